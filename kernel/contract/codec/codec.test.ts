import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import {
  bool,
  bytes,
  double,
  enumeration,
  field,
  fixed64,
  float,
  int32,
  int64,
  map,
  message,
  oneof,
  optional,
  repeated,
  required,
  sint32,
  string,
  timestamp,
  uint64,
} from "../index.ts";
import type { Codec, Infer, MessageType } from "../types.ts";
import { codecOf, interpretedCodec } from "./codec.ts";

const Status = enumeration("test.v1.Status", { UNSPECIFIED: 0, PLACED: 1 });
const Line = message("test.v1.Line", { sku: string(1), quantity: int32(2) });
const Order = message("test.v1.Order", {
  id: string(1),
  lines: repeated(field(2, Line)),
  status: field(3, Status),
  first: field(4, Line),
  labels: map("string", int64(5)),
  note: optional(string(6)),
  payment: oneof({ card: field(7, Line), wallet: bytes(8) }),
  price: double(9),
  weights: repeated(sint32(10)),
  ratio: float(11),
  byKey: map("uint64", field(12, Line)),
  big: fixed64(300),
});
type Order = Infer<typeof Order>;

const empty: Order = {
  id: "",
  lines: [],
  status: 0,
  first: undefined,
  labels: new Map(),
  note: undefined,
  payment: undefined,
  price: 0,
  weights: [],
  ratio: 0,
  byKey: new Map(),
  big: 0n,
};

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

function refusal(work: () => unknown): StatusError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof StatusError, `not a StatusError: ${String(error)}`);
    assert.equal(error.code, "INVALID_ARGUMENT");
    return error;
  }
  return assert.fail("nothing was refused");
}

for (const [name, codecFor] of Object.entries({ compiled: codecOf, interpreting: interpretedCodec })) {
  const codec: Codec<Order> = codecFor(Order);
  const reads = (text: string) => codec.decode(hex(text));

  describe(`the ${name} codec`, () => {
    it("writes what the encoding guide of protobuf shows", () => {
      const Test = message("test.v1.Test", { a: int32(1), b: string(2), c: repeated(int32(6)) });
      const bytes = codecFor(Test).encode({ a: 150, b: "testing", c: [3, 270, 86_942] });
      assert.deepEqual(bytes, hex("08 96 01 12 07 74 65 73 74 69 6e 67 32 06 03 8e 02 9e a7 05"));
    });

    it("writes fields by number, a oneof at its smallest", () => {
      const Mixed = message("test.v1.Mixed", {
        z: bool(9),
        either: oneof({ far: bool(20), near: bool(4) }),
        m: bool(5),
      });
      const bytes = codecFor(Mixed).encode({ z: true, m: true, either: { $case: "far", value: true } });
      assert.deepEqual(bytes, hex("a0 01 01 28 01 48 01"));
    });

    it("writes nothing for defaults, and reads nothing as defaults", () => {
      assert.deepEqual(codec.encode(empty), new Uint8Array(0));
      assert.deepEqual(codec.decode(new Uint8Array(0)), empty);
    });

    it("keeps negative zero, infinities and NaN apart", () => {
      for (const price of [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324])
        assert.ok(Object.is(codec.decode(codec.encode({ ...empty, price })).price, price));
      for (const ratio of [-0, Number.NaN, Number.POSITIVE_INFINITY, 1.5])
        assert.ok(Object.is(codec.decode(codec.encode({ ...empty, ratio })).ratio, ratio));
    });

    it("writes a negative int32 in ten bytes and reads it in five too", () => {
      const bytes = codecFor(Line).encode({ sku: "", quantity: -1 });
      assert.deepEqual(bytes, hex("10 ff ff ff ff ff ff ff ff ff 01"));
      assert.equal(codecFor(Line).decode(hex("10 ff ff ff ff 0f")).quantity, -1);
    });

    it("reads lists of numbers packed, one by one, and mixed", () => {
      assert.deepEqual(reads("52 03 02 04 06").weights, [1, 2, 3]);
      assert.deepEqual(reads("50 02 50 04 50 06").weights, [1, 2, 3]);
      assert.deepEqual(reads("50 02 52 02 04 06").weights, [1, 2, 3]);
    });

    it("passes over fields it does not know, of every wire type", () => {
      const group = "a3 06 08 01 a3 06 a4 06 a4 06"; // number 100, with a field and a group inside
      const others = "a0 06 ff 01 a1 06 0102030405060708 a2 06 02 0102 a5 06 01020304";
      assert.deepEqual(reads(`${group} 0a 01 78 ${others}`), { ...empty, id: "x" });
    });

    it("passes over a known number with another wire type", () => {
      assert.deepEqual(reads("08 05 12 00"), { ...empty, lines: [{ sku: "", quantity: 0 }] });
    });

    it("lets the last value win and merges messages that come in pieces", () => {
      assert.equal(reads("0a 01 61 0a 01 62").id, "b");
      assert.deepEqual(reads("22 03 0a 01 61 22 02 10 05").first, { sku: "a", quantity: 5 });
    });

    it("merges the same member of a oneof, and replaces another", () => {
      const card = { $case: "card", value: { sku: "a", quantity: 5 } };
      assert.deepEqual(reads("3a 03 0a 01 61 3a 02 10 05").payment, card);
      assert.deepEqual(reads("3a 03 0a 01 61 42 01 ff").payment, { $case: "wallet", value: hex("ff") });
      assert.deepEqual(reads("3a 03 0a 01 61 42 01 ff 3a 02 10 05").payment, {
        $case: "card",
        value: { sku: "", quantity: 5 },
      });
    });

    it("takes a missing key or value of a map entry as its default, and the last entry of a key", () => {
      assert.deepEqual(reads("2a 00").labels, new Map([["", 0n]]));
      assert.deepEqual(reads("2a 05 0a 01 61 10 01 2a 05 0a 01 61 10 02").labels, new Map([["a", 2n]]));
      assert.deepEqual(reads("62 02 08 05").byKey, new Map([[5n, { sku: "", quantity: 0 }]]));
      assert.deepEqual(reads("62 06 12 02 10 01 08 05").byKey, new Map([[5n, { sku: "", quantity: 1 }]]));
    });

    it("keeps enumeration values it cannot name", () => {
      assert.equal(reads("18 2a").status, 42);
      assert.equal(codec.decode(codec.encode({ ...empty, status: -7 as 0 })).status, -7);
    });

    it("keeps every text apart from any other", () => {
      for (const id of ["\ufeff", "\ufffd", "é", "a".repeat(16), "a".repeat(17), "😀".repeat(2000), "\0"])
        assert.equal(codec.decode(codec.encode({ ...empty, id })).id, id);
    });

    it("keeps 64-bit numbers whole", () => {
      const Both = message("test.v1.Both", { signed: int64(1), unsigned: uint64(2) });
      for (const n of [0n, 1n, 127n, 128n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n])
        assert.deepEqual(codecFor(Both).decode(codecFor(Both).encode({ signed: -n, unsigned: 2n * n })), {
          signed: -n,
          unsigned: 2n * n,
        });
    });

    it("cannot be reached through names that are special in JavaScript", () => {
      const Odd = message("test.v1.Odd", {
        constructor: string(1),
        valueOf: int32(2),
        names: map("string", string(3)),
      });
      const value = { constructor: "a", valueOf: 3, names: new Map([["__proto__", "x"]]) };
      assert.deepEqual(codecFor(Odd).decode(codecFor(Odd).encode(value)), value);
      const type = {
        ...Odd,
        fields: [{ ...Odd.fields[0], name: "__proto__" }],
        oneofs: [],
      } as unknown as MessageType<object>;
      const read = codecFor(type).decode(hex("0a 01 61"));
      assert.equal(Object.getPrototypeOf(read), Object.prototype);
      assert.ok(Object.hasOwn(read, "__proto__"));
    });

    it("cannot be led into running a name as code", () => {
      const name = "a\"];throw new Error('run')//";
      const type = { ...Line, fields: [{ ...Line.fields[0], name }], oneofs: [] } as unknown as MessageType<object>;
      assert.deepEqual(codecFor(type).decode(codecFor(type).encode({ [name]: "x" })), { [name]: "x" });
    });

    const wrongValues: readonly [string, unknown, string][] = [
      ["a missing property", { ...empty, id: undefined }, "id"],
      ["a number for a text", { ...empty, id: 5 }, "id"],
      ["a lone surrogate", { ...empty, lines: [{ sku: "a\ud800", quantity: 1 }] }, "lines[0].sku"],
      ["a fraction", { ...empty, lines: [Line, { sku: "", quantity: 1.5 }].slice(1) }, "lines[0].quantity"],
      ["a number beyond 32 bits", { ...empty, first: { sku: "", quantity: 2 ** 31 } }, "first.quantity"],
      ["a text for a number", { ...empty, weights: [1, "2"] }, "weights[1]"],
      ["a hole in a list", { ...empty, weights: Array(2) }, "weights[0]"],
      ["something else for a list", { ...empty, lines: new Set() }, "lines"],
      ["an object for a Map", { ...empty, labels: { a: 1n } }, "labels"],
      ["a number for a bigint", { ...empty, labels: new Map([["a", 1]]) }, 'labels["a"]'],
      ["a bigint beyond 64 bits", { ...empty, labels: new Map([["a", 2n ** 63n]]) }, 'labels["a"]'],
      ["a negative unsigned bigint", { ...empty, big: -1n }, "big"],
      ["a key of the wrong type", { ...empty, byKey: new Map([["a", { sku: "", quantity: 0 }]]) }, 'byKey["a"]'],
      ["an unknown case", { ...empty, payment: { $case: "cash", value: 1 } }, "payment"],
      ["a text for bytes", { ...empty, payment: { $case: "wallet", value: "abc" } }, "payment.wallet"],
      ["null for a message", { ...empty, first: null }, "first"],
      ["null for a text that may be absent", { ...empty, note: null }, "note"],
      ["a number beyond float", { ...empty, ratio: 1e39 }, "ratio"],
      ["no message at all", undefined, ""],
    ];
    for (const [what, value, path] of wrongValues)
      it(`refuses ${what}`, () => {
        const error = refusal(() => codec.encode(value as Order));
        assert.equal(
          error.details.field?.replace("payment.wallet", "wallet"),
          path.replace("payment.wallet", "wallet"),
        );
        assert.equal(error.details.message, "test.v1.Order");
        assert.match(error.message, /^test\.v1\.Order.*: expected .*, got /);
      });

    const wrongBytes: readonly [string, string, string][] = [
      ["a text cut short", "0a 05 61", "id"],
      ["a text that is not UTF-8", "0a 02 c3 28", "id"],
      ["a surrogate in UTF-8", "0a 03 ed a0 80", "id"],
      ["an overlong character", "0a 02 c0 80", "id"],
      ["a number cut short", "12 02 10 ff", "lines[0].quantity"],
      ["a number of eleven bytes", "18 ff ff ff ff ff ff ff ff ff ff 01", "status"],
      ["a double cut short", "49 00 00", "price"],
      ["a message that ends inside a field", "22 01 0a", "first"],
      ["a length beyond 32 bits", "0a ff ff ff ff ff 01", "id"],
      ["packed numbers that do not fill their block", "52 01 80", "weights"],
      ["a tag alone", "18", ""],
      ["field number 0", "00 01", ""],
      ["the end of a group that never began", "0c", ""],
      ["a group without an end", "a3 06 08 01", ""],
      ["the end of another group", "a3 06 ac 06", ""],
      ["wire type 6", "0e", ""],
      ["a tag of 33 bits", "80 80 80 80 10 01", ""],
    ];
    for (const [what, text, path] of wrongBytes)
      it(`refuses ${what}`, () => {
        const error = refusal(() => reads(text));
        assert.equal(error.details.field, path);
        assert.equal(error.reason, "MALFORMED_BYTES");
      });

    it("wants required fields on both sides, also deep inside", () => {
      const Paid = message("test.v1.Paid", { at: required(timestamp(1)) });
      const Box = message("test.v1.Box", {
        all: repeated(field(1, Paid)),
        by: map("string", field(2, Paid)),
        it: field(3, Paid),
      });
      const none = {} as Infer<typeof Paid>;
      assert.equal(refusal(() => codecFor(Paid).encode(none)).details.field, "at");
      assert.equal(refusal(() => codecFor(Paid).decode(hex(""))).details.field, "at");
      const box = { all: [{ at: { seconds: 1n, nanos: 0 } }], by: new Map(), it: undefined };
      assert.equal(refusal(() => codecFor(Box).encode({ ...box, all: [...box.all, none] })).details.field, "all[1].at");
      assert.equal(refusal(() => codecFor(Box).decode(hex("0a 00"))).details.field, "all[0].at");
      assert.equal(refusal(() => codecFor(Box).decode(hex("12 03 0a 01 61"))).details.field, 'by["a"].at');
      // Two pieces of one message may bring what it needs together.
      assert.deepEqual(codecFor(Box).decode(hex("1a 00 1a 04 0a 02 08 01")).it, { at: { seconds: 1n, nanos: 0 } });
      assert.deepEqual(codecFor(Box).decode(codecFor(Box).encode(box)), box);
    });

    it("refuses bytes that are none, and positions outside of them", () => {
      refusal(() => codec.decode("abc" as unknown as Uint8Array));
      refusal(() => codec.decode(undefined as unknown as Uint8Array));
      refusal(() => codec.decode(hex("00"), 0, 2));
      refusal(() => codec.decode(hex("00"), -1));
      refusal(() => codec.decode(hex("0000"), 2, 1));
    });
  });
}
