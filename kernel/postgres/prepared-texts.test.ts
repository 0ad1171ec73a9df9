import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { preparedTexts, preparedTextsDefaults } from "./prepared-texts.ts";

const small = fc.record({
  threshold: fc.integer({ min: 1, max: 4 }),
  limit: fc.integer({ min: 1, max: 4 }),
  maxLength: fc.constant(3),
  remembered: fc.integer({ min: 1, max: 6 }),
});
const query = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 4 });

describe("preparedTexts", () => {
  it("prepares at the fifth time, as pgjdbc does, and no more than 256", () => {
    const texts = preparedTexts();
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map(() => texts.next("q")),
      ["plain", "plain", "plain", "plain", "prepared", "prepared"],
    );
    const others = Array.from({ length: 2000 }, (_, n) => `other ${n}`);
    for (const other of others) for (let n = 0; n < 5; n++) texts.next(other);
    assert.equal(others.filter((other) => texts.next(other) === "prepared").length, 255);
    assert.equal(texts.next("q"), "prepared");
  });

  it("prepares no query before its time, none that is long, and only so many", () => {
    fc.assert(
      fc.property(small, fc.array(query, { maxLength: 200 }), (options, queries) => {
        const texts = preparedTexts(options);
        const times = new Map<string, number>();
        const prepared = new Set<string>();
        for (const one of queries) {
          times.set(one, (times.get(one) ?? 0) + 1);
          const how = texts.next(one);
          if (prepared.has(one)) assert.equal(how, "prepared");
          if (how !== "prepared") continue;
          prepared.add(one);
          assert.ok((times.get(one) ?? 0) >= options.threshold);
          assert.ok(one.length <= options.maxLength);
        }
        assert.ok(prepared.size <= options.limit);
      }),
    );
  });

  it("prepares every query at its time while there is room for all", () => {
    const options = { ...preparedTextsDefaults, limit: 121, remembered: 121 }; // there are 121 different ones
    fc.assert(
      fc.property(fc.array(query, { maxLength: 300 }), (queries) => {
        const texts = preparedTexts(options);
        const times = new Map<string, number>();
        for (const one of queries) {
          const now = (times.get(one) ?? 0) + 1;
          times.set(one, now);
          assert.equal(texts.next(one), now >= options.threshold ? "prepared" : "plain");
        }
      }),
    );
  });

  it("forgets what was not sent for long", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 2, max: 6 }), (remembered, threshold) => {
        const texts = preparedTexts({ ...preparedTextsDefaults, remembered, threshold });
        const send = () => texts.next("q");
        for (let n = 1; n < threshold; n++) send();
        for (let n = 0; n < remembered; n++) texts.next(`other ${n}`);
        assert.equal(send(), "plain");
        for (let n = 2; n < threshold; n++) assert.equal(send(), "plain");
        assert.equal(send(), "prepared");
      }),
    );
  });

  it("prepares what is in doubt again when it is found as it was, and otherwise never", () => {
    const step = fc.oneof(
      fc.constant({ act: "send" as const }),
      fc.constant({ act: "retire" as const }),
      fc.record({ act: fc.constantFrom("doubt" as const, "checked" as const), types: fc.constantFrom("23", "25") }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const texts = preparedTexts({ ...preparedTextsDefaults, threshold: 1 });
        texts.next("q");
        let expected = "prepared";
        let doubted = "";
        for (const one of steps) {
          if (one.act === "send") assert.equal(texts.next("q"), expected);
          else if (one.act === "retire") {
            texts.retire("q");
            expected = "plain";
          } else if (one.act === "doubt") {
            texts.doubt("q", one.types);
            if (expected !== "prepared") continue;
            expected = "check";
            doubted = one.types;
          } else {
            texts.checked("q", one.types);
            if (expected === "check") expected = one.types === doubted ? "prepared" : "plain";
          }
        }
        assert.equal(texts.next("q"), expected);
      }),
    );
  });

  it("says nothing of a query it has not chosen", () => {
    const texts = preparedTexts({ ...preparedTextsDefaults, threshold: 2 });
    for (const about of [() => texts.doubt("q", ""), () => texts.checked("q", ""), () => texts.retire("q")]) about();
    assert.deepEqual([texts.next("q"), texts.next("q")], ["plain", "prepared"]);
  });
});
