import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import {
  duration,
  field,
  jsonOf,
  jsonSchemaOf,
  jsonSchemasOf,
  message,
  redact,
  repeated,
  sensitive,
  string,
  timestamp,
} from "../index.ts";
import { Order, orders } from "../testing/contracts/order.ts";
import type { MessageType } from "../types.ts";
import { durationFromText, durationToText, timestampFromText, timestampToText } from "./time-text.ts";

const full = {
  id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  lines: [
    { sku: "SKU-1", quantity: 2, unitPrice: { currency: "EUR", units: "12", nanos: 500_000_000 } },
    { sku: "größe-😀", quantity: -1 },
  ],
  status: "ORDER_STATUS_PAID",
  card: { number: "4111 1111 1111 1111", expires: "12/30" },
  createdAt: "2026-09-21T14:13:20.123456789Z",
  ships: "86400s",
  labels: { colour: "red", "": "" },
  stock: { "9223372036854775808": { currency: "EUR", units: "12", nanos: 500_000_000 } },
  note: "",
  gift: true,
  discount: 0.1,
  weights: [1, 4_294_967_295],
  history: ["ORDER_STATUS_PLACED", "ORDER_STATUS_PAID"],
  score: 1.5,
  orderID: "-9223372036854775808",
  version: "18446744073709551615",
  token: "AQL/",
};
const least = { createdAt: "1970-01-01T00:00:00Z" };
const mapping = jsonOf(Order);

describe("the JSON of an order", () => {
  it("has a place for everything that is set, and none for defaults", () => {
    assert.deepEqual(mapping.toJson(orders[1] as Order), full);
    assert.deepEqual(mapping.toJson(orders[0] as Order), least);
    assert.deepEqual(mapping.fromJson(full), orders[1]);
  });

  it("has defaults too where they are asked for, but not what is absent", () => {
    const json = mapping.toJson(orders[0] as Order, { emitDefaults: true });
    assert.deepEqual(json, {
      ...least,
      ...{ id: "", lines: [], status: "ORDER_STATUS_UNSPECIFIED", labels: {}, stock: {}, gift: false, discount: 0 },
      ...{ weights: [], history: [], score: 0, orderID: "0", version: "0", token: "" },
    });
  });

  it("is read with the names of .proto files, short names of values, and numbers for them", () => {
    const order = mapping.fromJson({
      created_at: least.createdAt,
      order_i_d: 5,
      history: ["PAID", 1, "ORDER_STATUS_PAID", 9],
    });
    assert.equal(order.orderID, 5n);
    assert.deepEqual(order.history, [2, 1, 2, 9]);
  });

  it("is read with null as absence", () => {
    assert.deepEqual(mapping.fromJson({ ...least, id: null, lines: null, card: null, ships: null, note: null }), {
      ...orders[0],
      payment: undefined,
      ships: undefined,
      note: undefined,
    });
  });

  it("may hold a key that is special in JavaScript", () => {
    const order = mapping.fromJson(JSON.parse('{"createdAt":"1970-01-01T00:00:00Z","labels":{"__proto__":"x"}}'));
    assert.deepEqual(order.labels, new Map([["__proto__", "x"]]));
    assert.equal(
      JSON.stringify(mapping.toJson(order)),
      '{"createdAt":"1970-01-01T00:00:00Z","labels":{"__proto__":"x"}}',
    );
  });

  const numbers: readonly [string, unknown, unknown][] = [
    ["weights", ["7", 1e3, "1e3", "5.0"], [7, 1000, 1000, 5]],
    ["score", "NaN", Number.NaN],
    ["score", "-Infinity", Number.NEGATIVE_INFINITY],
    ["score", "1.5", 1.5],
    ["score", 0.1, Math.fround(0.1)],
    ["discount", "1e308", 1e308],
    ["orderID", "-1", -1n],
    ["orderID", 9007199254740991, 9007199254740991n],
    ["version", "1e3", 1000n],
    ["token", "AQL_", new Uint8Array([1, 2, 255])],
    ["token", "AQ==", new Uint8Array([1])],
    ["token", "AQ", new Uint8Array([1])],
  ];
  for (const [name, json, value] of numbers)
    it(`takes ${JSON.stringify(json)} for ${name}`, () => {
      assert.deepEqual(mapping.fromJson({ ...least, [name]: json })[name as keyof Order], value);
    });

  const refusals: readonly [string, unknown, string, RegExp][] = [
    ["a fraction", { weights: [1.5] }, "weights[0]", /expected a whole number from 0 to 4294967295, got 1\.5/],
    [
      "a number out of range",
      { lines: [{ quantity: 2 ** 31 }] },
      "lines[0].quantity",
      /from -2147483648 to 2147483647/,
    ],
    ["text with spaces for a number", { score: " 1" }, "score", /expected a number/],
    ["hexadecimal", { orderID: "0x10" }, "orderID", /64 bits/],
    ["a float beyond its range", { score: 1e39 }, "score", /range of float/],
    ["a double beyond its range", { discount: "1e400" }, "discount", /expected a number/],
    ["a number JSON may have rounded", { orderID: 2 ** 53 }, "orderID", /as text/],
    ["a number beyond 64 bits", { orderID: "9223372036854775808" }, "orderID", /64 bits/],
    ["a negative unsigned number", { version: "-1" }, "version", /from 0 up/],
    ["a text for a boolean", { gift: "true" }, "gift", /expected a boolean, got "true"/],
    ["a number for a text", { id: 5 }, "id", /expected a text/],
    ["a lone surrogate", { id: "\ud800" }, "id", /surrogates/],
    ["what is not base64", { token: "a b" }, "token", /expected base64, got a string/],
    ["an object for a list", { lines: {} }, "lines", /expected a list, got an object/],
    ["a list for an object", { lines: [[]] }, "lines[0]", /fields of test\.order\.v1\.OrderLine, got a list/],
    ["null in a list", { weights: [null] }, "weights[0]", /got null/],
    ["a map key of the wrong type", { stock: { a: {} } }, 'stock["a"]', /as key, got "a"/],
    ["an unknown value", { status: "PAYED" }, "status", /no value "PAYED"\. Did you mean PAID\?/],
    ["an unknown field", { lines: [{ quantiti: 1 }] }, "lines[0].quantiti", /no such field\. Did you mean quantity\?/],
    ["two members of a oneof", { card: {}, voucher: 1 }, "voucher", /only one of payment may be set/],
    ["a field under both names", { orderID: 1, order_i_d: 1 }, "order_i_d", /is given twice/],
    ["a time that is none", { createdAt: "yesterday" }, "createdAt", /expected a time .* got "yesterday"/],
    ["a message that is required", { createdAt: null }, "createdAt", /is required and missing/],
    ["no object at all", "order", "", /expected an object/],
  ];
  for (const [what, json, path, message] of refusals)
    it(`refuses ${what}`, () => {
      const given = typeof json === "object" && json !== null ? { ...least, ...json } : json;
      assert.throws(
        () => mapping.fromJson(given),
        (error) => {
          assert.ok(error instanceof StatusError);
          assert.equal(error.code, "INVALID_ARGUMENT");
          assert.equal(error.details.field, path);
          assert.match(error.message, message);
          return true;
        },
      );
    });

  it("passes over what it does not know where that is asked for", () => {
    const json = { ...least, colour: "red", status: "LOST", history: ["LOST", "PAID"], labels: { a: "b" } };
    const order = mapping.fromJson(json, { ignoreUnknown: true });
    assert.deepEqual([order.status, order.history, order.labels], [0, [2], new Map([["a", "b"]])]);
  });

  it("refuses values of the wrong type, naming the field", () => {
    const refuses = (change: object, path: string) =>
      assert.throws(
        () => mapping.toJson({ ...(orders[1] as Order), ...change } as Order),
        (error) => error instanceof StatusError && error.details.field === path,
      );
    refuses({ id: 5 }, "id");
    refuses({ lines: [{ sku: "a", quantity: 0.5 }] }, "lines[0].quantity");
    refuses({ createdAt: undefined }, "createdAt");
    refuses({ createdAt: { seconds: 2n ** 60n, nanos: 0 } }, "createdAt");
    refuses({ ships: { seconds: 1n, nanos: -1 } }, "ships");
    refuses({ createdAt: {} }, "createdAt");
    refuses({ createdAt: { seconds: 1, nanos: 0 } }, "createdAt");
    refuses({ ships: { seconds: 1n, nanos: 0.5 } }, "ships");
    refuses({ labels: {} }, "labels");
    refuses({ payment: { $case: "cash", value: 1 } }, "payment");
  });

  it("does not nest without end", () => {
    interface Deep {
      readonly inner?: Deep | undefined;
    }
    const Deep: MessageType<Deep> = message("test.v1.Deep", { inner: field(1, () => Deep) });
    let json: object = {};
    for (let i = 0; i < 10_000; i++) json = { inner: json };
    assert.throws(() => jsonOf(Deep).fromJson(json), /nests too deep/);
    assert.throws(() => jsonOf(Deep).toJson(json as Deep), /nest too deep/);
  });
});

describe("times as text", () => {
  const times: readonly [string, bigint, number][] = [
    ["1970-01-01T00:00:00Z", 0n, 0],
    ["0001-01-01T00:00:00Z", -62_135_596_800n, 0],
    ["9999-12-31T23:59:59.999999999Z", 253_402_300_799n, 999_999_999],
    ["2026-02-28T12:30:00.500Z", 1_772_281_800n, 500_000_000],
    ["1969-12-31T23:59:59.000001Z", -1n, 1000],
  ];
  for (const [text, seconds, nanos] of times)
    it(`${text} is ${seconds} s and ${nanos} ns`, () => {
      assert.equal(timestampToText({ seconds, nanos }), text);
      assert.deepEqual(timestampFromText(text), { seconds, nanos });
    });

  it("may have an offset", () => {
    assert.deepEqual(timestampFromText("2026-02-28T14:30:00+02:00"), { seconds: 1_772_281_800n, nanos: 0 });
    assert.deepEqual(timestampFromText("2026-02-28T07:00:00.1-05:30"), { seconds: 1_772_281_800n, nanos: 100_000_000 });
  });

  for (const text of [
    ...["2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z"],
    ...["2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00+24:00"],
    ...["0000-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01"],
  ])
    it(`${text} is no time`, () => assert.equal(timestampFromText(text), undefined));

  it("spans have their sign once", () => {
    assert.equal(durationToText({ seconds: 0n, nanos: -500_000_000 }), "-0.500s");
    assert.deepEqual(durationFromText("-0.5s"), { seconds: 0n, nanos: -500_000_000 });
    assert.deepEqual(durationFromText("-1.000000001s"), { seconds: -1n, nanos: -1 });
    assert.deepEqual(durationFromText("-3s"), { seconds: -3n, nanos: 0 });
    for (const text of ["1", "1.s", "s", "1m", "+1s", "315576000001s", "1.0000000001s"])
      assert.equal(durationFromText(text), undefined, text);
    assert.equal(durationToText({ seconds: 1n, nanos: -1 }), undefined);
    assert.equal(durationToText({ seconds: 315_576_000_001n, nanos: 0 }), undefined);
  });
});

describe("the JSON Schema of a message", () => {
  const schema = jsonSchemaOf(Order) as { readonly $defs: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  const order = schema.$defs["test.order.v1.Order"] as {
    readonly properties: Readonly<Record<string, unknown>>;
    readonly required: unknown;
    readonly allOf: readonly unknown[];
    readonly additionalProperties: unknown;
  };

  it("has a definition for every message it needs, but not for those JSON writes as text", () => {
    assert.deepEqual(Object.keys(schema.$defs).toSorted(), [
      "test.money.v1.Money",
      "test.order.v1.Order",
      "test.order.v1.Order.Card",
      "test.order.v1.OrderLine",
    ]);
  });

  it("says what each field takes", () => {
    assert.deepEqual(
      Object.keys(order.properties),
      Order.fields.map(({ name }) => name),
    );
    assert.deepEqual(order.properties.createdAt, { type: "string", format: "date-time" });
    assert.deepEqual(order.properties.lines, { type: "array", items: { $ref: "#/$defs/test.order.v1.OrderLine" } });
    assert.deepEqual(order.properties.status, {
      enum: ["ORDER_STATUS_UNSPECIFIED", "ORDER_STATUS_PLACED", "ORDER_STATUS_PAID"],
    });
    assert.deepEqual(order.properties.token, { type: "string", contentEncoding: "base64" });
  });

  it("says what must be there, and what excludes what", () => {
    assert.deepEqual(order.required, ["createdAt"]);
    assert.equal(order.additionalProperties, false);
    assert.deepEqual(order.allOf[0], { not: { required: ["card", "wallet"] } });
    assert.equal(order.allOf.length, 3);
  });

  it("refers to wherever the definitions stand", () => {
    const definitions = JSON.stringify(jsonSchemasOf([Order], "#/components/schemas/"));
    assert.ok(definitions.includes('"$ref":"#/components/schemas/test.money.v1.Money"'));
  });
});

describe("what may be logged of a message", () => {
  const Secret = message("test.v1.Secret", {
    password: sensitive(string(1)),
    tokens: sensitive(repeated(string(2))),
    user: string(3),
    at: timestamp(4),
    ttl: duration(5),
  });

  it("hides what is sensitive where it is set, at any depth", () => {
    const logged = redact(Order, orders[1] as Order) as Readonly<Record<string, unknown>>;
    assert.deepEqual(logged.card, { number: "[redacted]", expires: "12/30" });
    assert.equal(logged.token, "[redacted]");
    assert.equal(logged.createdAt, full.createdAt);
    assert.equal(logged.version, full.version);
    assert.ok(!JSON.stringify(logged).includes("4111"));
  });

  it("shows that a sensitive field is not set", () => {
    const value = { password: "", tokens: [], user: "ann", at: undefined, ttl: { seconds: 1n, nanos: 0 } };
    assert.deepEqual(redact(Secret, value), { password: "", tokens: [], user: "ann", ttl: "1s" });
  });

  it("never fails, whatever it is given", () => {
    const odd = { password: 5, tokens: "abc", user: Symbol("x"), at: "now", ttl: { seconds: 2n ** 63n, nanos: 0 } };
    const logged = JSON.stringify(redact(Secret, odd as never));
    assert.ok(logged.includes("[redacted]") && !logged.includes("abc") && !logged.includes("5"));
    for (const value of [undefined, null, 5, "text", [], { user: { user: 1 } }])
      JSON.stringify(redact(Secret, value as never));
    const angry = {
      get user() {
        throw new Error("not now");
      },
    };
    assert.equal(redact(Secret, angry as never), "[unreadable test.v1.Secret]");
  });
});
