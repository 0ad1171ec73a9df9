import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  byteSink,
  double,
  enumeration,
  field,
  int32,
  int64,
  message,
  repeated,
  string,
  timestamp,
  uint32,
  uint64,
} from "@mortise/kernel/contract";
import {
  type HessianList,
  HessianObject,
  HessianReader,
  type HessianValue,
  HessianWriter,
} from "@mortise/kernel/hessian";
import { serializerConformance } from "@mortise/kernel/spi/serializer.conformance";
import { hessian2, hessian2Serializer } from "./hessian2.ts";

serializerConformance({ name: "hessian2", make: () => ({ subject: hessian2Serializer() }) });

const Color = enumeration("test.v1.Color", { UNSPECIFIED: 0, RED: 1 });
const Car = message("test.v1.Car", { color: field(1, Color), built: timestamp(2), doors: int32(3) });
const Wide = message("test.v1.Wide", { small: uint32(1), big: uint64(2) });

const generic = (bytes: Uint8Array) => new HessianReader(bytes).value();

function written(value: HessianValue): Uint8Array {
  const sink = byteSink();
  new HessianWriter(sink).value(value);
  return sink.buffer.slice(0, sink.position);
}

describe("serializer/hessian2", () => {
  const cars = hessian2Serializer({ "test.v1.Car": "example.Car", "test.v1.Color": "example.Color" }).codec(Car);

  it("writes objects, enums and dates the way Java does", () => {
    const car = generic(
      cars.encode({ color: Color.RED, built: { seconds: 894_621_091n, nanos: 5_000_000 }, doors: 3 }),
    );
    assert.deepEqual(
      car,
      new HessianObject(
        "example.Car",
        new Map<string, HessianValue>([
          ["color", new HessianObject("example.Color", new Map([["name", "RED"]]))],
          ["built", new Date(894_621_091_005)],
          ["doors", 3],
        ]),
      ),
    );
  });

  it("keeps points in time that a date cannot hold", () => {
    for (const built of [
      { seconds: 1n, nanos: 1 },
      { seconds: -1n, nanos: 999_000_000 },
      { seconds: 9_000_000_000_000n, nanos: 0 },
    ]) {
      assert.deepEqual(cars.decode(cars.encode({ color: 0, built, doors: 0 })).built, built);
    }
  });

  it("reads an enum by number and by name, and any class name", () => {
    const car = (color: HessianValue) =>
      written(new HessianObject("anything", new Map<string, HessianValue>([["color", color]])));
    assert.equal(cars.decode(car(1)).color, Color.RED);
    assert.equal(cars.decode(car("RED")).color, Color.RED);
    assert.throws(() => cars.decode(car("BLUE")), /field color: expected a test\.v1\.Color/);
  });

  it("reads a map in place of an object, and numbers of any width", () => {
    const car = cars.decode(
      written(
        new Map<HessianValue, HessianValue>([
          ["doors", 5n],
          ["unknown", "x"],
        ]),
      ),
    );
    assert.equal(car.doors, 5);
    assert.throws(() => cars.decode(written(new Map<HessianValue, HessianValue>([["doors", 1.5]]))), /field doors/);
  });

  it("reads the numbers that Caucho's writer puts into objects of their own", () => {
    const handle = new HessianObject("com.caucho.hessian.io.ShortHandle", new Map([["_value", 7]]));
    assert.equal(cars.decode(written(new Map<HessianValue, HessianValue>([["doors", handle]]))).doors, 7);
  });

  it("carries unsigned numbers in Java's signed ones", () => {
    const wide = hessian2Serializer().codec(Wide);
    const value = { small: 4_294_967_295, big: 18_446_744_073_709_551_615n };
    assert.deepEqual(wide.decode(wide.encode(value)), value);
  });

  it("does not unfold what refers to itself, or a few bytes into millions of values", () => {
    const loop = new HessianObject("Node");
    loop.fields.set("next", loop);
    const Node: ReturnType<typeof message> = message("test.v1.Node", { next: field(1, () => Node) });
    assert.throws(() => hessian2Serializer().codec(Node).decode(written(loop)), { code: "INVALID_ARGUMENT" });
  });

  const Price = message("test.v1.Price", {
    amount: string(1),
    count: string(2),
    at: int64(3),
    tags: repeated(string(4)),
    parts: repeated(string(5)),
    rate: double(6),
  });
  const prices = hessian2Serializer(
    {},
    {
      "test.v1.Price.amount": "java.math.BigDecimal",
      "test.v1.Price.count": "java.math.BigInteger",
      "test.v1.Price.at": "java.util.Date",
      "test.v1.Price.tags": "java.util.Set",
      "test.v1.Price.parts": "java.math.BigDecimal[]",
    },
  );
  const price = { amount: "12.50", count: `-${2n ** 70n}`, at: 5n, tags: ["a"], parts: ["1", "2.5"], rate: 1 };

  it("writes the Java types that fields are given, and reads them back", () => {
    const bytes = prices.codec(Price).encode(price);
    const { fields } = generic(bytes) as HessianObject;
    assert.deepEqual(fields.get("amount"), new HessianObject("java.math.BigDecimal", new Map([["value", "12.50"]])));
    assert.deepEqual(fields.get("at"), new Date(5));
    assert.deepEqual(
      [fields.get("tags"), fields.get("parts")].map((list) => (list as HessianList).hessianType),
      ["java.util.HashSet", "[java.math.BigDecimal"],
    );
    assert.deepEqual(prices.codec(Price).decode(bytes), price);
    assert.deepEqual(hessian2Serializer().codec(Price).decode(bytes), price);
  });

  it("reads numbers of any length into any number, and refuses text that is none", () => {
    const rate = new HessianObject("java.math.BigDecimal", new Map([["value", "2.25"]]));
    assert.equal(prices.codec(Price).decode(written(new Map([["rate", rate]]))).rate, 2.25);
    assert.throws(() => prices.codec(Price).encode({ ...price, amount: "dear" }), { code: "INVALID_ARGUMENT" });
  });

  it("names the Java type of every field", () => {
    const { hessian } = prices;
    assert.deepEqual(
      Price.fields.map((field) => hessian.typeOf(Price, field)),
      [
        "java.math.BigDecimal",
        "java.math.BigInteger",
        "java.util.Date",
        "java.util.Set",
        "java.math.BigDecimal[]",
        "double",
      ],
    );
    assert.deepEqual(
      Car.fields.map((field) => hessian.typeOf(Car, field)),
      ["test.v1.Color", "java.util.Date", "int"],
    );
  });

  it("is the plugin serializer/hessian2", () => assert.equal(hessian2.id, "serializer/hessian2"));
});
