import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  begun,
  broughtTo,
  claimAs,
  gidsOf,
  law,
  long,
  noStock,
  recordOf,
  sampleTransaction,
  statuses,
} from "./common.ts";

/** What begins keep to. */
export const beginLaws = [
  law("keeps what is begun, byte by byte and key by key", async (one, two) => {
    const outputs = { order: new Uint8Array([7, 0, 9]), "a b.ä'\"\\": new Uint8Array() };
    const sample = sampleTransaction({
      input: Uint8Array.from({ length: 5000 }, (_, i) => i),
      outputs,
      trace: "00-1-2",
    });
    assert.equal(await one.begin(sample, "me", long), undefined);
    const { deadlineMs, ...same } = sample;
    const record = await recordOf(two, sample.gid);
    const { createdAt, decidedAt, endedAt, deadlineAt, nextAt, leaseUntil, ...rest } = record;
    assert.deepEqual(rest, {
      ...same,
      ...{ abort: undefined, done: [], attempts: 0, lastError: "", stuck: false, heuristic: "", paused: false },
      owner: "me",
    });
    assert.deepEqual([deadlineMs, decidedAt, endedAt, deadlineAt], [undefined, undefined, undefined, undefined]);
    assert.deepEqual([nextAt, leaseUntil], [createdAt + long, createdAt + long]);
    assert.ok(record.input instanceof Uint8Array && record.outputs.order instanceof Uint8Array);
  }),
  law("counts a deadline from the begin", async (one) => {
    const { createdAt, deadlineAt } = await recordOf(one, await begun(one, { deadlineMs: 1234 }));
    assert.equal(deadlineAt, createdAt + 1234);
  }),
  law("keeps when one really began, how often it was tried and why it failed last", async (one, two) => {
    const past = { ageMs: 90_000, attempts: 7, lastError: "b2: away" };
    const gids = [await begun(one, { status: "committing", past, deadlineMs: 1_000 })];
    const more = Array.from({ length: 3 }, () => sampleTransaction({ past }));
    await Promise.all([sampleTransaction(), ...more].map((sample) => one.begin(sample, "me", long)));
    for (const gid of [...gids, ...more.map((sample) => sample.gid)]) {
      const { createdAt, leaseUntil, attempts, lastError } = await recordOf(two, gid);
      assert.deepEqual([attempts, lastError], [7, "b2: away"]);
      assert.ok(Math.abs(leaseUntil - long - createdAt - past.ageMs) <= 1);
    }
    const { createdAt, decidedAt, deadlineAt } = await recordOf(two, gids[0] as string);
    assert.deepEqual([decidedAt, deadlineAt], [createdAt, createdAt + 1_000]);
    const old = await two.find({ olderThanMs: 60_000, limit: 10 });
    assert.deepEqual(gidsOf(old), [...gids, ...more.map(({ gid }) => gid)].sort());
    const wrong = sampleTransaction({ past: { ...past, ageMs: -1 } });
    await assert.rejects(one.begin(wrong, "me", long), { code: "INVALID_ARGUMENT" });
  }),
  law("begins as committing where what was done before is the decision", async (one) => {
    const gid = await begun(one, { status: "committing" });
    const { status, decidedAt, createdAt } = await recordOf(one, gid);
    assert.deepEqual([status, decidedAt], ["committing", createdAt]);
    assert.equal(await one.decide(gid, "aborting", {}), "committing");
  }),
  law("begins as aborting, with its plan and the reason, where it was refused before it began", async (one, two) => {
    const sample = sampleTransaction({ status: "aborting", abort: noStock });
    assert.equal(await one.begin(sample, "me", 0), undefined);
    const { status, abort, name, input, branches, decidedAt, createdAt } = await recordOf(two, sample.gid);
    assert.deepEqual([status, abort, decidedAt], ["aborting", noStock, createdAt]);
    assert.deepEqual([name, input, branches], [sample.name, sample.input, sample.branches]);
    assert.equal(await two.decide(sample.gid, "committing", {}), "aborting");
    assert.deepEqual(gidsOf(await claimAs(two, "you")), [sample.gid]);
    assert.equal((await two.begin({ ...sample, status: "active" }, "you", long))?.abort?.reason, noStock.reason);
    const { abort: _, ...unsaid } = sampleTransaction({ status: "aborting" });
    await one.begin(unsaid, "me", long);
    assert.equal((await recordOf(two, unsaid.gid)).abort?.reason, "INTERRUPTED");
  }),
  law(
    "leaves the reason of an abort that was written before as it was, also for who begins it as aborting",
    async (one, two) => {
      const sample = sampleTransaction({ status: "aborting", abort: noStock });
      await two.inquire(sample.gid);
      const there = await one.begin(sample, "me", long);
      assert.deepEqual([there?.abort?.reason, there?.branches], ["ORPHAN", sample.branches]);
      assert.equal((await recordOf(two, sample.gid)).abort?.reason, "ORPHAN");
    },
  ),
  law("gives what is there to who begins it again, whatever became of it", async (one, two) => {
    for (const status of statuses) {
      const gid = await broughtTo(one, status);
      const before = await recordOf(one, gid);
      const again = sampleTransaction({ gid, name: "other", strategy: "saga", status: "committing" });
      assert.deepEqual(await two.begin(again, "you", 1), before);
      assert.deepEqual(await recordOf(one, gid), before);
    }
  }),
  law("lets one alone of many begin the same", async (one, two) => {
    const gid = randomUUID();
    const all = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? one : two).begin(sampleTransaction({ gid }), `n${i}`, long),
    );
    const there = await Promise.all(all);
    assert.equal(there.filter((record) => record === undefined).length, 1);
    const { owner } = await recordOf(one, gid);
    assert.ok(there.every((record) => record === undefined || record.owner === owner));
  }),
  law("refuses what is no id, and a transaction without a name", async (one) => {
    const refused = { code: "INVALID_ARGUMENT" };
    await assert.rejects(one.begin(sampleTransaction({ gid: "x" }), "me", long), refused);
    await assert.rejects(one.begin(sampleTransaction({ name: "" }), "me", long), refused);
    await assert.rejects(one.decide("x", "aborting", {}), refused);
    await assert.rejects(one.get("x"), refused);
  }),
];
