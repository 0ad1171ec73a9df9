import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bool, bytes, int64, message, string, topic } from "../contract/index.ts";
import type { TopicType } from "../contract/types.ts";
import { codecSerializer } from "../testing/app/simple-plugins.ts";
import { decodeEvent, eventKey, messageMetadata } from "./event-codec.ts";

const Paid = message("mortise.sample.v1.Paid", { id: string(1), amount: int64(2), raw: bytes(3), done: bool(4) });
const event = { id: "o-1", amount: 7n, raw: new Uint8Array([1, 255]), done: true };
const keyed = (key?: keyof typeof event) =>
  topic("mortise.sample.v1.OrderPaid", Paid, key === undefined ? {} : { key }) as TopicType;

describe("the key of an event", () => {
  it("is the text of the topic's key field", () => {
    assert.equal(eventKey(keyed("id"), event), "o-1");
    assert.equal(eventKey(keyed("amount"), event), "7");
    assert.equal(eventKey(keyed("raw"), event), "01ff");
    assert.equal(eventKey(keyed("done"), event), "true");
    assert.equal(eventKey(keyed(), event), undefined);
  });

  it("must be there", () => {
    assert.throws(() => eventKey(keyed("id"), {}), { code: "INVALID_ARGUMENT", reason: "EVENT_KEY_MISSING" });
  });
});

describe("a message of the bus", () => {
  const [proto, json] = [codecSerializer("proto"), codecSerializer("json")];
  const body = proto.codec(Paid).encode(event);
  const given = (headers: Readonly<Record<string, string>>) => ({ id: "1", body, headers });

  it("is read with the serializer it names, else with the first", () => {
    const all = new Map(Object.entries({ json, proto }));
    assert.deepEqual(decodeEvent(keyed(), given({ "content-type": "application/proto" }), all), event);
    assert.deepEqual(decodeEvent(keyed(), given({}), new Map([["proto", proto]])), event);
  });

  it("gives metadata from any headers, without what is not allowed", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (headers) => {
        for (const name of messageMetadata(headers).names()) assert.match(name, /^[0-9a-z_.-]+$/);
      }),
    );
    assert.equal(messageMetadata({ Traceparent: "x" }).get("traceparent"), "x");
  });
});
