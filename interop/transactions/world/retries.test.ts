import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Asked, History, Sent } from "./history.ts";
import { asksWithin, roundsWithin, sendingsWithin } from "./limits.ts";
import { type Rules, tooOften } from "./retries.ts";
import { usualPatience } from "./world.ts";

const patience = { ...usualPatience, leaseMs: 60_000, maxBackoffMs: 5_000, redeliverAtOnce: 5 };
const rules: Rules = { patience, schedules: [[100, 200]], begunAnew: [] };
const begun = 1_790_000_000_000;
const hex = begun.toString(16).padStart(12, "0");
const gidOf = (number: number) =>
  `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(number).padStart(12, "0")}` as const;

type About = Partial<Asked> & { readonly number?: number };

/** One ask after so many milliseconds each. */
function asks(afterMs: readonly number[], { number = 1, ...about }: About = {}): History {
  const gid = gidOf(number);
  return afterMs.map((ms) => ({
    ...{ what: "asked", at: begun + ms, gid, branch: "b1", action: "confirm", strategy: "tcc" },
    ...about,
  }));
}

const sent = (ms: number, round: number, number = 1): Sent => ({
  ...{ what: "sent", at: begun + ms, gid: gidOf(number), branch: "b1" },
  ...{ participant: "bank", round },
});

/** Asks as a driver makes them that is never answered: by these waits up to 1, in turn. */
function driven(waits: readonly number[], rounds: number, growing = true): readonly number[] {
  const times: number[] = [];
  let [now, next] = [0, 0];
  const wait = () => waits[next++ % waits.length] as number;
  for (let round = 0; round < rounds; round++) {
    for (let attempt = 0; attempt < patience.attempts; attempt++) {
      times.push(now);
      if (attempt + 1 < patience.attempts) now += Math.max(1, patience.backoffMs * 2 ** attempt * wait());
    }
    const bound = Math.min(patience.backoffMs * 2 ** ((growing ? round : 0) + 5), patience.maxBackoffMs);
    now += (bound * (1 + wait())) / 2;
  }
  return times;
}

const jitter = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 });

describe("the audit of what is tried again", () => {
  it("has nothing against rounds that wait as they are told to, by whatever chance", () => {
    fc.assert(
      fc.property(jitter, fc.integer({ min: 1, max: 30 }), (waits, rounds) => {
        assert.deepEqual(tooOften([asks(driven(waits, rounds))], rules), []);
      }),
    );
  });

  it("finds rounds whose rest never grows, by whatever chance", () => {
    fc.assert(
      fc.property(jitter, (waits) => {
        assert.equal(tooOften([asks(driven(waits, 30, false))], rules).length, 1);
      }),
    );
  });

  it("finds asks without a wait between them", () => {
    const found = tooOften([asks(Array.from({ length: 100 }, (_, n) => n * 20))], rules);
    assert.match(found.join(), /b1 confirm was asked for \d+ times within \d+ ms under tcc, of at most \d+/);
  });

  it("adds up what several processes ask for, and tells branches and actions apart", () => {
    const allowed = patience.attempts * roundsWithin(0, patience);
    const many = Array.from({ length: allowed }, () => 0);
    assert.deepEqual(tooOften([asks(many), asks(many, { branch: "b2" }), asks(many, { action: "cancel" })], rules), []);
    assert.equal(tooOften([asks(many), asks([0])], rules).length, 1);
  });

  it("bounds by their waits what may be asked for until a deadline, and by both what is asked for either way", () => {
    const forward = asksWithin(2_000, patience);
    const either = forward + patience.attempts * roundsWithin(2_000, patience);
    for (const [action, allowed] of [["reserve", forward] as const, ["apply", either] as const]) {
      const early = (count: number) => asks(new Array<number>(count).fill(2_000), { action });
      assert.deepEqual(tooOften([early(allowed)], rules), []);
      assert.equal(tooOften([early(allowed + 1)], rules).length, 1);
    }
  });

  it("has nothing against sweepers that look often", () => {
    assert.deepEqual(tooOften([asks(new Array<number>(1_000).fill(1), { action: "peek" })], rules), []);
  });

  it("gives whoever takes over after a lease a round of its own", () => {
    const impatient = { ...patience, leaseMs: 100 };
    const times = Array.from({ length: 100 }, (_, n) => Math.floor(n / patience.attempts) * 100);
    assert.deepEqual(tooOften([asks(times)], { ...rules, patience: impatient }), []);
    assert.equal(tooOften([asks(times)], rules).length, 1);
  });

  it("finds what is heard more often than it can have been asked for", () => {
    const heard = asks([5, 6, 7], { what: "heard" });
    assert.deepEqual(tooOften([asks([0]), heard], rules), []);
    assert.match(tooOften([asks([0]), heard, heard], rules).join(), /was heard 6 times and asked for 1 times/);
  });

  it("finds notices that come before their schedule, or after its end", () => {
    const notices = (afterMs: readonly number[]) => asks(afterMs, { strategy: "best-effort", action: "apply" });
    assert.deepEqual(tooOften([notices([0, 100, 300])], rules), []);
    assert.equal(tooOften([notices([0, 50, 80])], rules).length, 1);
    assert.equal(tooOften([notices([0, 100, 300, 400])], rules).length, 1);
  });

  it("lets an operator begin a schedule anew", () => {
    const notices = asks([0, 100, 300, 600, 700, 900], { strategy: "best-effort", action: "apply" });
    assert.equal(tooOften([notices], rules).length, 1);
    assert.deepEqual(tooOften([notices], { ...rules, begunAnew: [begun + 600] }), []);
  });

  it("finds branches that are sent again too early", () => {
    assert.deepEqual(tooOften([[sent(0, 0), sent(500, 1), sent(1_500, 2), sent(2_500, 3)]], rules), []);
    assert.match(tooOften([[sent(0, 0), sent(400, 1)]], rules).join(), /sent again for the 1\. time 400 ms after/);
    assert.equal(tooOften([[sent(1_200, 2)]], rules).length, 1);
  });

  it("finds a process that sends more again at once than it may", () => {
    const atOnce = (count: number) => Array.from({ length: count }, (_, n) => sent(20_000 + n, 1, n));
    assert.deepEqual(tooOften([atOnce(15)], rules), []);
    assert.deepEqual(tooOften([atOnce(15), atOnce(15)], rules), []);
    assert.match(tooOften([atOnce(16)], rules).join(), /bank was sent more than 15 branches again within 500 ms/);
  });
});

describe("what may be tried in a time", () => {
  it("grows with it, and slower the more was tried", () => {
    for (const within of [roundsWithin, asksWithin, sendingsWithin]) {
      const counts = [0, 1_000, 10_000, 100_000].map((ms) => within(ms, patience));
      assert.deepEqual(
        counts.toSorted((a, b) => a - b),
        counts,
      );
      assert.ok((counts[3] as number) < 100_000 / patience.backoffMs / 2, String(counts));
    }
  });

  it("is rarely more than what happens with full jitter", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        let [ms, state] = [0, seed >>> 0];
        for (let count = 1; count < 40; count++) {
          assert.ok(count <= asksWithin(ms, patience), `${count} within ${ms} ms`);
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          ms += Math.min(patience.backoffMs * 2 ** (count - 1), patience.maxBackoffMs) * (state / 2 ** 32);
        }
      }),
    );
  });
});
