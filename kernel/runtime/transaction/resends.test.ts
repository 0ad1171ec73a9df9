import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { acknowledgeMs, roundMs } from "./backoff.ts";
import { resends } from "./resends.ts";

const options = { redeliverMs: 1_000, maxRedeliverMs: 8_000, redeliverAtOnce: 10 };

function world() {
  let now = 0;
  const made = resends(options, { now: () => now });
  /** Takes as much as there is. */
  const takeAll = (participant: string) => {
    let taken = 0;
    while (made.take(participant)) taken++;
    return taken;
  };
  return { made, takeAll, pass: (ms: number) => (now += ms) };
}

describe("resends", () => {
  it("lets so many be sent again to a participant in a while, and each has its own", () => {
    const { takeAll, pass } = world();
    assert.deepEqual([takeAll("a"), takeAll("a"), takeAll("b")], [10, 0, 10]);
    pass(999);
    assert.equal(takeAll("a"), 0);
    pass(1);
    assert.equal(takeAll("a"), 10);
  });

  it("doubles the while for who says nothing, up to the longest, and goes back for who does", () => {
    const { made, takeAll, pass } = world();
    for (const ms of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      assert.equal(takeAll("a"), 10);
      pass(ms - 1);
      assert.equal(takeAll("a"), 0);
      pass(1);
    }
    takeAll("a");
    made.heard("a");
    pass(8_000);
    takeAll("a");
    pass(1_000);
    assert.equal(takeAll("a"), 10);
  });

  it("sends to who is silent no more than its share of the longest while, however often it is tried", () => {
    const tries = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 300 });
    fc.assert(
      fc.property(tries, (waits) => {
        const { takeAll, pass } = world();
        let [taken, elapsed] = [0, 0];
        for (const wait of waits) {
          taken += takeAll("a");
          pass(wait);
          elapsed += wait;
        }
        const windows = 4 + Math.ceil(elapsed / options.maxRedeliverMs); // 1, 2 and 4 s, then 8 s each
        return taken <= windows * options.redeliverAtOnce;
      }),
    );
  });
});

describe("waits between rounds", () => {
  const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }).map((value) => () => value);

  it("never have anything sent again before its time", () => {
    fc.assert(
      fc.property(fc.nat(100), random, (round, by) => {
        const ms = acknowledgeMs(round, options, by);
        const least = Math.min(1_000 * 2 ** round, 8_000);
        return ms >= least && ms <= least * 1.5;
      }),
    );
  });

  it("are at least half of a bound that doubles", () => {
    const backoff = { backoffMs: 50, maxBackoffMs: 30_000 };
    fc.assert(
      fc.property(fc.nat(100), random, (round, by) => {
        const ms = roundMs(round, backoff, by);
        const most = Math.min(1_600 * 2 ** round, 30_000);
        return ms >= most / 2 && ms <= most;
      }),
    );
  });
});
