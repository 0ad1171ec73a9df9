import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bool,
  ContractError,
  codecOf,
  enumeration,
  type FieldSpecs,
  field,
  int32,
  int64,
  map,
  message,
  oneof,
  optional,
  repeated,
  required,
  rpc,
  service,
  stream,
  string,
  topic,
} from "./index.ts";

const Line = message("test.v1.Line", { sku: string(1), quantity: int32(2) });

function refuses(work: () => unknown, pattern: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof ContractError, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

describe("a message", () => {
  it("is data: frozen, with its fields in order of declaration", () => {
    const Order = message("test.v1.Order", {
      lines: repeated(field(2, Line)),
      payment: oneof({ card: field(8, Line), cash: bool(9) }),
      id: string(1),
    });
    assert.ok(Object.isFrozen(Order) && Object.isFrozen(Order.fields) && Object.isFrozen(Order.fields[0]));
    assert.deepEqual(
      Order.fields.map(({ name, number, oneof }) => [name, number, oneof]),
      [
        ["lines", 2, undefined],
        ["card", 8, "payment"],
        ["cash", 9, "payment"],
        ["id", 1, undefined],
      ],
    );
    assert.deepEqual(Order.oneofs, ["payment"]);
  });

  it("may hold a scalar that must be given", () => {
    const Key = message("test.v1.Key", { id: required(optional(string(1))) });
    assert.deepEqual(codecOf(Key).decode(codecOf(Key).encode({ id: "" })), { id: "" });
    assert.throws(() => codecOf(Key).decode(new Uint8Array(0)), /field id: is required and missing/);
  });

  const mistakes: readonly [string, string, FieldSpecs, RegExp][] = [
    ["a name without a package", "Order", {}, /use a package and a name/],
    ["a name in lower case", "test.v1.order", {}, /use a package and a name/],
    ["a field in snake_case", "test.v1.A", { order_id: string(1) }, /order_id: write the name in lowerCamelCase/],
    ["a number twice", "test.v1.A", { a: string(1), b: string(1) }, /field b: number 1 is already that of a/],
    ["number 0", "test.v1.A", { a: string(0) }, /number 0 is not between 1 and/],
    ["a number that is too large", "test.v1.A", { a: string(2 ** 29) }, /is not between/],
    ["a number of protobuf's own", "test.v1.A", { a: string(19_500) }, /reserved by protobuf/],
    ["a name twice", "test.v1.A", { a: string(1), b: oneof({ a: string(2) }) }, /field a: the name is used twice/],
    ["a oneof without alternatives", "test.v1.A", { a: oneof({}) }, /oneof a: declare at least one/],
    [
      "a list as alternative",
      "test.v1.A",
      { a: oneof({ b: repeated(string(1)) }) },
      /field b: a list or map cannot be/,
    ],
    ["a required alternative", "test.v1.A", { a: oneof({ b: required(field(1, Line)) }) }, /cannot be required/],
    ["an optional list", "test.v1.A", { a: optional(repeated(string(1))) }, /never absent, only empty/],
    ["an optional map", "test.v1.A", { a: optional(map("string", int64(1))) }, /never absent, only empty/],
    ["a list of maps", "test.v1.A", { a: repeated(map("string", int64(1))) }, /cannot stand in each other/],
    ["a map of lists", "test.v1.A", { a: map("string", repeated(int64(1))) }, /cannot stand in each other/],
  ];
  for (const [what, name, specs, pattern] of mistakes)
    it(`cannot have ${what}`, () => refuses(() => message(name, specs), pattern));
});

describe("an enumeration", () => {
  it("carries its values", () => {
    const Colour = enumeration("test.v1.Colour", { UNSPECIFIED: 0, RED: 1, BELOW: -1 });
    assert.equal(Colour.RED, 1);
    assert.deepEqual(Colour.values, { UNSPECIFIED: 0, RED: 1, BELOW: -1 });
  });

  const mistakes: readonly [string, string, Readonly<Record<string, number>>, RegExp][] = [
    ["a name without a package", "Colour", { A: 0 }, /use a package and a name/],
    ["no value", "test.v1.Colour", {}, /first value must be 0/],
    ["another first value than 0", "test.v1.Colour", { A: 1, B: 0 }, /first value must be 0/],
    ["a value in lower case", "test.v1.Colour", { A: 0, red: 1 }, /write value "red" in UPPER_SNAKE/],
    ["a number twice", "test.v1.Colour", { A: 0, B: 1, C: 1 }, /number 1 is used twice/],
    ["a fraction", "test.v1.Colour", { A: 0, B: 0.5 }, /must be a 32-bit integer/],
    ["a number beyond 32 bits", "test.v1.Colour", { A: 0, B: 2 ** 31 }, /must be a 32-bit integer/],
  ];
  for (const [what, name, values, pattern] of mistakes)
    it(`cannot have ${what}`, () => refuses(() => enumeration(name, values), pattern));
});

describe("a service", () => {
  const Lines = service("test.v1.Lines", {
    get: rpc(Line, Line, { readOnly: true, criticality: "high" }),
    put: rpc(stream(Line), Line),
  });

  it("has methods that know their names, kinds and facts", () => {
    const { get, put } = Lines.methods;
    assert.deepEqual(
      [get.service, get.name, get.wireName, get.path],
      ["test.v1.Lines", "get", "Get", "test.v1.Lines/Get"],
    );
    assert.deepEqual([get.kind, put.kind], ["unary", "client-stream"]);
    assert.deepEqual(get.facts, { readOnly: true, idempotent: true, criticality: "high" });
    assert.deepEqual(put.facts, { readOnly: false, idempotent: false, criticality: "normal" });
    assert.equal(put.input, Line);
  });

  it("is refused with a bad name, of its own or of a method", () => {
    refuses(() => service("Lines", {}), /use a package and a name/);
    refuses(() => service("test.v1.Lines", { GetLine: rpc(Line, Line) }), /write method "GetLine" in lowerCamelCase/);
  });
});

describe("a topic", () => {
  it("is a method of kind event, which may be delivered twice", () => {
    const Sold = topic("test.v1.Sold", Line, { key: "sku" });
    assert.equal(Sold.key, "sku");
    assert.deepEqual(
      [Sold.method.path, Sold.method.kind, Sold.method.facts.idempotent],
      ["test.v1/Sold", "event", true],
    );
  });

  it("is refused without a package", () => refuses(() => topic("Sold", Line), /use a package and a name/));
});
