import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "../../call/status.ts";
import type { ByteSink } from "../types.ts";
import {
  FirstHessianReader,
  HessianDouble,
  HessianObject,
  HessianReader,
  type HessianValue,
  HessianWriter,
} from "./index.ts";

function sink(): ByteSink {
  return {
    buffer: new Uint8Array(16),
    position: 0,
    reserve(bytes) {
      if (this.position + bytes <= this.buffer.length) return;
      const grown = new Uint8Array((this.position + bytes) * 2);
      grown.set(this.buffer);
      this.buffer = grown;
    },
  };
}

function write(value: HessianValue): Uint8Array {
  const to = sink();
  new HessianWriter(to).value(value);
  return to.buffer.slice(0, to.position);
}

const read = (bytes: Uint8Array) => new HessianReader(bytes).value();
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Examples of the specification: bytes and what they mean. */
const examples: readonly (readonly [string, HessianValue])[] = [
  ["4e", null],
  ["54", true],
  ["90", 0],
  ["80", -16],
  ["bf", 47],
  ["c8 00", 0],
  ["c0 00", -2048],
  ["cf ff", 2047],
  ["d4 00 00", 0],
  ["d0 00 00", -262144],
  ["d7 ff ff", 262143],
  ["49 00 04 00 00", 262144],
  ["e0", 0n],
  ["d8", -8n],
  ["ef", 15n],
  ["f8 00", 0n],
  ["f0 00", -2048n],
  ["f7 00", -256n],
  ["3c 00 00", 0n],
  ["38 00 00", -262144n],
  ["59 00 00 01 2c", 300n],
  ["4c 00 00 00 00 00 00 01 2c", 300n],
  ["5b", 0],
  ["5c", 1],
  ["5d 80", -128],
  ["5e 7f ff", 32767],
  ["5f 00 00 2f da", 12.25],
  ["44 40 28 80 00 00 00 00 00", 12.25],
  ["4a 00 00 00 d0 4b 92 84 b8", new Date("1998-05-08T09:51:31.000Z")],
  ["4b 00 e3 83 8f", new Date("1998-05-08T09:51:00.000Z")],
  ["00", ""],
  ["05 68 65 6c 6c 6f", "hello"],
  ["01 c3 83", "\u00c3"],
  ["52 00 07 68 65 6c 6c 6f 2c 20 05 77 6f 72 6c 64", "hello, world"],
  ["57 90 91 5a", [0, 1]],
  ["72 04 5b 69 6e 74 90 91", [0, 1]],
];

describe("hessian 2.0", () => {
  for (const [bytes, value] of examples) {
    it(`reads ${bytes} as the specification says`, () => assert.deepEqual(read(bytesOf(bytes)), value));
  }

  it("writes the shortest form of numbers", () => {
    assert.equal(hex(write(47)), "bf");
    assert.equal(hex(write(-2048)), "c000");
    assert.equal(hex(write(262143)), "d7ffff");
    assert.equal(hex(write(15n)), "ef");
    assert.equal(hex(write(new HessianDouble(1))), "5c");
    assert.equal(hex(write(12.25)), "444028800000000000");
  });

  it("writes a class once and refers to it", () => {
    const car = (model: string) => new HessianObject("example.Car", new Map([["model", model]]));
    assert.deepEqual(read(write([car("a"), car("b")])), [car("a"), car("b")]);
    assert.equal(hex(write([car("a"), car("b")])).split(Buffer.from("example.Car").toString("hex")).length, 2);
  });

  it("keeps values that are shared, and circles", () => {
    const shared = new Map<HessianValue, HessianValue>([["a", 1]]);
    const list: HessianValue[] = [shared, shared];
    list.push(list);
    const back = read(write(list)) as HessianValue[];
    assert.equal(back[0], back[1]);
    assert.equal(back[2], back);
  });

  it("keeps long text and bytes whole, surrogate pairs at the edge of a chunk included", () => {
    const text = `${"a".repeat(0x7fff)}😀${"é".repeat(70_000)}😀`;
    assert.equal(read(write(text)), text);
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    assert.deepEqual(read(write(bytes)), bytes);
  });

  it("reads text with four-byte characters too", () => {
    assert.equal(read(bytesOf("02 f0 9f 98 80")), "😀");
  });

  const { value: any } = fc.letrec<{ value: HessianValue; list: HessianValue[]; map: Map<HessianValue, HessianValue> }>(
    (tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double({ noNaN: true }).filter((n) => !Number.isInteger(n) || Object.is(n, -0)),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.string({ unit: "binary" }),
        fc.uint8Array(),
        fc.date({ noInvalidDate: true }),
        tie("list"),
        tie("map"),
      ),
      list: fc.array(tie("value")),
      map: fc.array(fc.tuple(fc.string(), tie("value"))).map((entries) => new Map(entries)),
    }),
  );

  it("reads what it wrote", () => {
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
    fc.assert(
      fc.property(any, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = write(value);
        bytes[at % bytes.length] = byte;
        tame(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  it("refuses what is nested too deeply, without running out of stack", () => {
    const deep = new Uint8Array(100_000).fill(0x57);
    assert.throws(() => read(deep), /nested deeper than 100/);
  });
});

/** Examples of the specification of the first version, and what Java's own writer of it makes. */
const firstExamples: readonly (readonly [string, HessianValue])[] = [
  ["4e", null],
  ["54", true],
  ["46", false],
  ["49 00 00 01 2c", 300],
  ["4c ff ff ff ff ff ff ff ff", -1n],
  ["44 40 28 80 00 00 00 00 00", 12.25],
  ["64 00 00 00 d0 4b 92 84 b8", new Date("1998-05-08T09:51:31.000Z")],
  ["53 00 05 68 65 6c 6c 6f", "hello"],
  ["73 00 07 68 65 6c 6c 6f 2c 20 53 00 05 77 6f 72 6c 64", "hello, world"],
  ["53 00 02 ed a0 bd ed b8 80", "😀"],
  ["62 00 01 01 42 00 02 02 03", Uint8Array.of(1, 2, 3)],
  ["56 74 00 04 5b 69 6e 74 6c 00 00 00 02 49 00 00 00 00 49 00 00 00 01 7a", [0, 1]],
  ["4d 74 00 00 49 00 00 00 01 53 00 03 66 65 65 7a", new Map([[1, "fee"]])],
  ["4d 74 00 03 43 61 72 53 00 01 61 49 00 00 00 07 7a", new HessianObject("Car", new Map([["a", 7]]))],
];

describe("hessian 1.0", () => {
  const readFirst = (bytes: Uint8Array) => new FirstHessianReader(bytes).value();

  for (const [bytes, value] of firstExamples) {
    it(`reads ${bytes} as the specification says`, () => assert.deepEqual(readFirst(bytesOf(bytes)), value));
  }

  it("keeps circles", () => {
    const node = readFirst(bytesOf("4d 74 00 04 4e 6f 64 65 53 00 04 6e 65 78 74 52 00 00 00 00 7a"));
    assert.ok(node instanceof HessianObject && node.fields.get("next") === node);
  });

  it("reads any bytes or says that they are malformed", () => {
    const tame = (bytes: Uint8Array) => {
      try {
        readFirst(bytes);
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === "INVALID_ARGUMENT", String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), tame), { numRuns: 20_000 });
    const seeds = firstExamples.map(([bytes]) => bytesOf(bytes));
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.nat(), fc.nat(255), (seed, at, byte) => {
        const bytes = seed.slice();
        bytes[at % bytes.length] = byte;
        tame(bytes);
      }),
      { numRuns: 20_000 },
    );
    assert.throws(() => readFirst(new Uint8Array(100_000).fill(0x56)), /nested deeper than 100/);
  });
});
