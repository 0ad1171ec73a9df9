import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { consumerName, deadStream, deadSubject, deliverySubject, laneOf, lanesOf, topicNames } from "./names.ts";

const word = fc.stringMatching(/^[A-Za-z0-9_]{1,6}$/);
const topic = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join("."));
const group = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);

/** Whether a NATS subject fits a pattern. */
function fits(subject: string, pattern: string): boolean {
  const [given, wanted] = [subject.split("."), pattern.split(".")];
  return given.length === wanted.length && wanted.every((token, i) => token === "*" || token === given[i]);
}

describe("names on NATS", () => {
  it("give every topic a stream of its own that takes its events only", () => {
    fc.assert(
      fc.property(topic, topic, fc.option(fc.string(), { nil: undefined }), (one, other, key) => {
        const [a, b] = [topicNames("p", one), topicNames("p", other)];
        assert.equal(a.stream === b.stream, one === other);
        assert.notEqual(a.stream, deadStream("p"));
        const subject = a.event(laneOf(key, 8));
        assert.ok(fits(subject, a.subjects));
        assert.equal(fits(subject, b.subjects), one === other);
      }),
    );
  });

  it("tell groups and topics apart wherever they appear", () => {
    fc.assert(
      fc.property(topic, group, topic, group, (t1, g1, t2, g2) => {
        const same = t1 === t2 && g1 === g2;
        assert.equal(deadSubject("p", t1, g1) === deadSubject("p", t2, g2), same);
        for (const lane of ["0", "any"]) {
          assert.equal(deliverySubject("p", t1, g1, lane) === deliverySubject("p", t2, g2, lane), same);
        }
        assert.equal(consumerName(g1, "1") === consumerName(g2, "1"), g1 === g2);
      }),
    );
  });

  it("put a key always into the same one of the lanes, all of which are used", () => {
    const lanes = lanesOf(8);
    assert.deepEqual(lanes, ["0", "1", "2", "3", "4", "5", "6", "7", "any"]);
    const used = new Set(Array.from({ length: 200 }, (_, i) => laneOf(`key-${i}`, 8)));
    assert.deepEqual([...used].sort(), lanes.slice(0, -1));
    fc.assert(fc.property(fc.string({ unit: "binary" }), (key) => assert.equal(laneOf(key, 8), laneOf(key, 8))));
    assert.equal(laneOf(undefined, 8), "any");
  });

  it("hash keys as FNV-1a does, so that other languages can publish", () => {
    // Reference values of the algorithm: "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968.
    assert.deepEqual(
      ["", "a", "foobar"].map((key) => laneOf(key, 256)),
      [0xc5, 0x2c, 0x68].map(String),
    );
  });
});
