import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { bool, field, int64, map, message, repeated, string } from "../index.ts";
import type { MessageType } from "../types.ts";
import { codecOf, interpretedCodec, limitedCodec } from "./codec.ts";
import { decodeLimits } from "./limits.ts";

interface Nested {
  readonly inner?: Nested | undefined;
}
const Nested: MessageType<Nested> = message("test.v1.Nested", { inner: field(1, () => Nested) });
const Leaf = message("test.v1.Leaf", { a: string(1), b: string(2), c: string(3), d: string(4) });
const Bomb = message("test.v1.Bomb", {
  leaves: repeated(field(1, Leaf)),
  flags: repeated(bool(2)),
  numbers: repeated(int64(3)),
  texts: repeated(string(4)),
  entries: map("string", field(5, Leaf)),
});

const nest = (depth: number): Nested => (depth === 1 ? { inner: undefined } : { inner: nest(depth - 1) });

/** Bytes of that many messages inside each other. */
function nestedBytes(depth: number): Uint8Array {
  let bytes = Buffer.alloc(0);
  for (let i = 1; i < depth; i++) {
    const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
    bytes = Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
  }
  return bytes;
}

function refused(work: () => unknown, pattern: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.match(error.message, pattern);
    return true;
  });
}

for (const [name, codecFor] of Object.entries({ compiled: limitedCodec, interpreting: interpretedCodec }))
  describe(`the limits of the ${name} codec`, () => {
    it("let 100 messages stand inside each other, and not one more", () => {
      const codec = codecFor(Nested, {});
      assert.deepEqual(codec.decode(nestedBytes(100)), nest(100));
      refused(() => codec.decode(nestedBytes(101)), /deeper than maxDepth/);
      refused(() => codec.decode(nestedBytes(2000)), /deeper than maxDepth/);
      assert.deepEqual(codec.encode(nest(100)), new Uint8Array(nestedBytes(100)));
      refused(() => codec.encode(nest(101)), /nest too deep/);
    });

    it("count unknown groups as depth", () => {
      const groups = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x13), Buffer.alloc(depth, 0x14)]);
      assert.deepEqual(codecFor(Nested, {}).decode(groups(99)), { inner: undefined });
      refused(() => codecFor(Nested, {}).decode(groups(100)), /deeper than maxDepth/);
      refused(() => codecFor(Nested, {}).decode(groups(100_000)), /deeper than maxDepth/);
    });

    it("refuse a value that contains itself", () => {
      const circle: { inner?: Nested } = {};
      circle.inner = circle;
      refused(() => codecFor(Nested, {}).encode(circle), /in a circle/);
    });

    it("refuse more bytes than allowed before looking at them", () => {
      assert.deepEqual(codecFor(Nested, { maxBytes: 4 }).decode(nestedBytes(3)), nest(3));
      refused(() => codecFor(Nested, { maxBytes: 3 }).decode(nestedBytes(3)), /4 bytes are more than maxBytes \(3\)/);
    });

    const bombs: readonly [string, Uint8Array][] = [
      ["empty messages", Buffer.from("0a00".repeat(5000), "hex")],
      ["packed flags", Buffer.concat([Buffer.from("1290ce03", "hex"), Buffer.alloc(59_152, 1)])],
      ["packed 64-bit numbers", Buffer.concat([Buffer.from("1a904e", "hex"), Buffer.alloc(10_000, 1)])],
      ["single flags", Buffer.from("1001".repeat(30_000), "hex")],
      ["empty texts", Buffer.from("2200".repeat(10_000), "hex")],
      ["map entries", Buffer.from("2a00".repeat(3000), "hex")],
      ["pieces of one message", Buffer.from("2a020a00".repeat(3000), "hex")],
    ];
    for (const [what, bytes] of bombs)
      it(`refuse ${what} that take far more memory than bytes`, () => {
        codecFor(Bomb, {}).decode(bytes);
        refused(() => codecFor(Bomb, { maxHeapBytes: 200_000 }).decode(bytes), /maxHeapBytes/);
      });
  });

it("a bomb of four megabytes, as gRPC lets through, is cut off at the usual limit", () => {
  const Wide = message(
    "test.v1.Wide",
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`f${i}`, string(i + 1)])),
  );
  const List = message("test.v1.List", { all: repeated(field(1, Wide)) });
  const bytes = Buffer.alloc(4 * 1024 * 1024).fill(Buffer.from([0x0a, 0]));
  refused(() => codecOf(List).decode(bytes), /maxHeapBytes/);
  assert.ok(decodeLimits.maxHeapBytes <= 128 * 1024 * 1024);
});
