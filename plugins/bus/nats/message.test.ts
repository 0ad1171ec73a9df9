import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { escapeText, messageId, toDeadHeaders, toDeadLetter, toDelivery, toHeaders, unescapeText } from "./message.ts";

const text = fc.string({ unit: "binary" });
const name = fc.string({ unit: "binary", minLength: 1 }).filter((one) => one !== "__proto__");
const message = fc.record(
  {
    id: fc.string({ unit: "binary", minLength: 1 }),
    key: text,
    body: fc.uint8Array(),
    headers: fc.dictionary(fc.oneof(name, fc.constantFrom("Nats-Msg-Id", "mortise-key", "traceparent")), text),
  },
  { requiredKeys: ["id", "body", "headers"] },
);

/** What the server hands on: the lines as text. */
function overTheWire(headers: ReturnType<typeof toHeaders>) {
  for (const [key, values] of headers) {
    assert.match(key, /^[\x21-\x39\x3b-\x7e]+$/);
    for (const value of values) assert.match(value, /^[\x21-\x7e]*$/);
  }
  return headers;
}

describe("messages on NATS", () => {
  it("come out as they went in, whatever texts they hold", () => {
    fc.assert(
      fc.property(message, (given) => {
        const headers = overTheWire(toHeaders(given));
        const { topic, attempt, ...rest } = toDelivery("t", { data: given.body, headers }, 3, 9);
        assert.deepEqual({ ...rest, headers: { ...rest.headers } }, { ...given, headers: { ...given.headers } });
        assert.deepEqual([topic, attempt], ["t", 3]);
      }),
    );
  });

  it("keep their error and attempt as dead letters", () => {
    fc.assert(
      fc.property(message, text, (given, error) => {
        const delivery = { ...given, topic: "t", attempt: 7 };
        const header = overTheWire(toDeadHeaders(delivery, error));
        const stored = { header, data: given.body, seq: 1 } as Parameters<typeof toDeadLetter>[2];
        const letter = toDeadLetter("t", "g", stored);
        assert.deepEqual(
          { ...letter, headers: { ...letter.headers } },
          {
            ...delivery,
            headers: { ...given.headers },
            group: "g",
            error,
          },
        );
      }),
    );
  });

  it("leave trace headers readable for others", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert.equal(
      toHeaders({ id: "1", body: new Uint8Array(), headers: { traceparent } }).get("traceparent"),
      traceparent,
    );
    assert.equal(messageId("5c1b2f3e-0000-4000-8000-000000000000"), "5c1b2f3e-0000-4000-8000-000000000000");
  });

  it("take text that is not ours as it is", () => {
    assert.equal(unescapeText("100% sure"), "100% sure");
    assert.equal(escapeText("\ud800"), "%EF%BF%BD");
    const foreign = toDelivery("t", { data: new Uint8Array([1]) }, 1, 42);
    assert.deepEqual(
      { ...foreign, body: [...foreign.body] },
      { id: "42", body: [1], headers: {}, topic: "t", attempt: 1 },
    );
  });
});
