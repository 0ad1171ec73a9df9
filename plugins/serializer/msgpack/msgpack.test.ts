import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { byteSink, int32, message, string, timestamp } from "@mortise/kernel/contract";
import { serializerConformance } from "@mortise/kernel/spi/serializer.conformance";
import fc from "fast-check";
import { msgpack, msgpackSerializer } from "./msgpack.ts";
import { readPack } from "./reader.ts";
import { type PackValue, writePack } from "./writer.ts";

serializerConformance({ name: "msgpack", make: () => ({ subject: msgpackSerializer }) });

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const read = (bytes: Uint8Array) => readPack(bytes, 0, bytes.length);

function write(value: PackValue): Uint8Array {
  const sink = byteSink(4);
  writePack(sink, value);
  return new Uint8Array(sink.buffer.subarray(0, sink.position));
}

const Seen = message("test.v1.Seen", { who: string(1), at: timestamp(2), times: int32(3) });

describe("serializer/msgpack", () => {
  it("writes a message as a map by field name", () => {
    const bytes = msgpackSerializer.codec(Seen).encode({ who: "a", times: -1 });
    assert.deepEqual(
      read(bytes),
      new Map<PackValue, PackValue>([
        ["who", "a"],
        ["times", -1],
      ]),
    );
    assert.equal(Buffer.from(bytes).toString("hex"), `82a377686fa161a5${Buffer.from("times").toString("hex")}ff`);
  });

  it("reads the shortest and the longest form of every kind", () => {
    const forms: readonly (readonly [string, PackValue])[] = [
      ["7f", 127],
      ["cc 7f", 127],
      ["cd 00 7f", 127],
      ["ce 00 00 00 7f", 127],
      ["cf 00 00 00 00 00 00 00 7f", 127n],
      ["ff", -1],
      ["d0 ff", -1],
      ["d1 ff ff", -1],
      ["d2 ff ff ff ff", -1],
      ["d3 ff ff ff ff ff ff ff ff", -1n],
      ["a1 61", "a"],
      ["d9 01 61", "a"],
      ["da 00 01 61", "a"],
      ["db 00 00 00 01 61", "a"],
      ["c4 01 05", Uint8Array.of(5)],
      ["c5 00 01 05", Uint8Array.of(5)],
      ["c6 00 00 00 01 05", Uint8Array.of(5)],
      ["91 01", [1]],
      ["dc 00 01 01", [1]],
      ["dd 00 00 00 01 01", [1]],
      ["81 01 02", new Map([[1, 2]])],
      ["de 00 01 01 02", new Map([[1, 2]])],
      ["df 00 00 00 01 01 02", new Map([[1, 2]])],
      ["ca 3f c0 00 00", 1.5],
      ["cb 3f f8 00 00 00 00 00 00", 1.5],
      ["c0", null],
      ["c2", false],
      ["c3", true],
    ];
    for (const [bytes, value] of forms) assert.deepEqual(read(bytesOf(bytes)), value, bytes);
  });

  it("reads all three forms of a timestamp", () => {
    const seen = (at: string) => msgpackSerializer.codec(Seen).decode(bytesOf(`81 a2 61 74 ${at}`)).at;
    assert.deepEqual(seen("d6 ff 00 00 00 05"), { seconds: 5n, nanos: 0 });
    assert.deepEqual(seen("d7 ff 00 00 00 08 00 00 00 05"), { seconds: 5n, nanos: 2 });
    assert.deepEqual(seen("c7 0c ff 00 00 00 02 ff ff ff ff ff ff ff ff"), { seconds: -1n, nanos: 2 });
  });

  it("reads what it wrote", () => {
    const { value: any } = fc.letrec<{ value: PackValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.bigInt({ min: 2n ** 32n, max: 2n ** 64n - 1n }),
        fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 31n) - 1n }),
        fc.string({ unit: "grapheme" }),
        fc.uint8Array(),
        fc.array(tie("value")),
        fc.array(fc.tuple(fc.string(), tie("value"))).map((entries) => new Map(entries)),
      ),
    }));
    fc.assert(fc.property(any, (value) => assert.deepEqual(read(write(value)), value)));
  });

  it("reads any bytes or says that they are malformed", () => {
    const tame = (bytes: Uint8Array) => {
      try {
        read(bytes);
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === "INVALID_ARGUMENT", String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), tame), { numRuns: 20_000 });
  });

  it("refuses a length that its bytes cannot hold, and values nested without end", () => {
    for (const bytes of ["dd ff ff ff ff", "df ff ff ff ff", "db ff ff ff ff", "c6 ff ff ff ff"]) {
      assert.throws(() => read(bytesOf(bytes)), /end in the middle/, bytes);
    }
    assert.throws(() => read(new Uint8Array(10_000).fill(0x91)), /nest deeper than 100/);
  });

  it("is the plugin serializer/msgpack", () => assert.equal(msgpack.id, "serializer/msgpack"));
});
