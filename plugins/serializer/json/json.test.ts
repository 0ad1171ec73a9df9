import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bytes,
  duration,
  enumeration,
  field,
  int64,
  message,
  repeated,
  string,
  timestamp,
} from "@mortise/kernel/contract";
import { serializerConformance } from "@mortise/kernel/spi/serializer.conformance";
import { json, jsonSerializer } from "./json.ts";

const usual = jsonSerializer({ emitDefaults: false, ignoreUnknown: true });

serializerConformance({ name: "json", make: () => ({ subject: usual }) });
serializerConformance({
  name: "json with defaults written",
  make: () => ({ subject: jsonSerializer({ emitDefaults: true, ignoreUnknown: false }) }),
});

const Size = enumeration("test.v1.Size", { UNSPECIFIED: 0, LARGE: 1 });
const Parcel = message("test.v1.Parcel", {
  parcelId: int64(1),
  size: field(2, Size),
  seal: bytes(3),
  sentAt: timestamp(4),
  takes: duration(5),
  notes: repeated(string(6)),
});
const parcel = {
  parcelId: 9_007_199_254_740_993n,
  size: Size.LARGE,
  seal: Uint8Array.of(251, 255),
  sentAt: { seconds: 1_763_712_000n, nanos: 500_000_000 },
  takes: { seconds: 90n, nanos: 0 },
  notes: [],
};
const written =
  '{"parcelId":"9007199254740993","size":"SIZE_LARGE","seal":"+/8=","sentAt":"2025-11-21T08:00:00.500Z","takes":"90s"}';
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const read = (json: string, serializer = usual) => serializer.codec(Parcel).decode(Buffer.from(json));

describe("serializer/json", () => {
  it("writes proto3's mapping", () => {
    assert.equal(text(usual.codec(Parcel).encode(parcel)), written);
  });

  it("reads names in both cases, numbers and texts, enums by name and number", () => {
    assert.deepEqual(read('{"parcel_id": 5, "size": 1}').parcelId, 5n);
    assert.deepEqual(read('{"parcelId": "5", "size": "SIZE_LARGE"}').size, Size.LARGE);
  });

  it("writes defaults only when asked to", () => {
    const all = jsonSerializer({ emitDefaults: true, ignoreUnknown: true });
    assert.equal(text(usual.codec(Parcel).encode({ ...parcel, parcelId: 0n, notes: [] })).includes("parcelId"), false);
    assert.match(text(all.codec(Parcel).encode({ ...parcel, parcelId: 0n })), /"parcelId":"0".*"notes":\[\]/);
  });

  it("passes over unknown fields, or refuses them and says what was probably meant", () => {
    assert.equal(read('{"parcelID": 1, "weight": 2}').parcelId, 0n);
    const strict = jsonSerializer({ emitDefaults: false, ignoreUnknown: false });
    assert.throws(() => read('{"parcelID": 1}', strict), { code: "INVALID_ARGUMENT", message: /parcelId/ });
  });

  it("says what is wrong with bytes that are no JSON", () => {
    assert.throws(() => read('{"parcelId": '), { code: "INVALID_ARGUMENT", message: /test\.v1\.Parcel: not JSON/ });
    const latin1 = Buffer.from('{"notes":["ä"]}', "latin1");
    assert.throws(() => usual.codec(Parcel).decode(latin1), { code: "INVALID_ARGUMENT", message: /UTF-8/ });
    assert.throws(() => read("[1, 2]"), { code: "INVALID_ARGUMENT" });
    assert.throws(() => read("null"), { code: "INVALID_ARGUMENT" });
  });

  it("does not let a field change the prototype of a message", () => {
    const value = read('{"__proto__": {"polluted": true}}');
    assert.equal((value as { polluted?: boolean }).polluted, undefined);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  it("is the plugin serializer/json", () => {
    assert.equal(json.id, "serializer/json");
  });
});
