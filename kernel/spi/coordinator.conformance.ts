import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Running } from "../core/plugin.ts";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import type { AbortReason, Coordinator, NewTransaction, TransactionRecord, TransactionStatus } from "./coordinator.ts";
import { endOf } from "./transaction-record.ts";

/** Transactions as several processes see them. */
export interface CoordinatorSubject {
  /** Starts the plugin once more, as another process would. */
  open(): Promise<Running<Coordinator>>;
}

const long = 60_000;
const noStock: AbortReason = { reason: "OUT_OF_STOCK", message: "no tea", step: "stock", details: { sku: "tea" } };

/** A transaction of two branches, as large or small as wanted. */
export function sampleTransaction(more: Partial<NewTransaction> = {}): NewTransaction {
  const branch = { after: [], pivot: false, afterCommit: false, droppable: false, external: false };
  return {
    gid: randomUUID(),
    name: "placeOrder",
    version: 1,
    strategy: "tcc",
    input: new Uint8Array([0, 1, 2, 255]),
    branches: [
      { ...branch, id: "b1", participant: "stock", steps: [{ step: "stock", operation: "stock.deduct", version: 2 }] },
      { ...branch, id: "b2", participant: "pay", steps: [], after: ["b1"], pivot: true },
    ],
    status: "active",
    outputs: {},
    deadlineMs: undefined,
    trace: "",
    ...more,
  };
}

type Check = (one: Coordinator, two: Coordinator) => Promise<void>;

const law = (law: string, check: Check) => ({
  law,
  async check({ open }: CoordinatorSubject) {
    const [one, two] = [await open(), await open()];
    try {
      await check(one.api, two.api);
    } finally {
      await Promise.all([one.stop?.(), two.stop?.()]);
    }
  },
});

/** Begins one, under a long lease of `me` unless told otherwise; gives its gid. */
async function begun(one: Coordinator, more: Partial<NewTransaction> = {}, leaseMs = long): Promise<string> {
  const sample = sampleTransaction(more);
  assert.equal(await one.begin(sample, "me", leaseMs), undefined);
  return sample.gid;
}

async function recordOf(one: Coordinator, gid: string): Promise<TransactionRecord> {
  const record = await one.get(gid);
  assert.ok(record, `${gid} is there`);
  return record;
}

const statusOf = async (one: Coordinator, gid: string) => (await one.get(gid))?.status;

/** Brings one to a status along the way it must take. */
async function broughtTo(one: Coordinator, status: TransactionStatus): Promise<string> {
  const gid = await begun(one);
  if (status !== "active") await one.decide(gid, status.startsWith("commit") ? "committing" : "aborting", {});
  if (status === "committed" || status === "aborted") await one.finish(gid);
  assert.equal(await statusOf(one, gid), status);
  return gid;
}

const claimAs = (one: Coordinator, owner: string, limit = 10, leaseMs = long) =>
  one.claim({ owner, names: ["placeOrder"], limit, leaseMs });

const gidsOf = (records: readonly TransactionRecord[]) => records.map(({ gid }) => gid).sort();

const statuses: readonly TransactionStatus[] = ["active", "committing", "committed", "aborting", "aborted"];

const beginning = [
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
  law("begins as committing where what was done before is the decision", async (one) => {
    const gid = await begun(one, { status: "committing" });
    const { status, decidedAt, createdAt } = await recordOf(one, gid);
    assert.deepEqual([status, decidedAt], ["committing", createdAt]);
    assert.equal(await one.decide(gid, "aborting", {}), "committing");
  }),
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

const deciding = [
  law("moves a status only along its way, and asks a decided one in vain", async (one, two) => {
    for (const status of statuses) {
      for (const decision of ["committing", "aborting"] as const) {
        const gid = await broughtTo(one, status);
        const after = status === "active" ? decision : status;
        assert.equal(await two.decide(gid, decision, {}), after);
        assert.equal(await statusOf(one, gid), after);
      }
    }
  }),
  law("finishes what is decided and nothing else", async (one, two) => {
    const ends = {
      active: "active",
      committing: "committed",
      aborting: "aborted",
      committed: "committed",
      aborted: "aborted",
    };
    for (const status of statuses) {
      const gid = await broughtTo(one, status);
      const before = await recordOf(one, gid);
      await two.finish(gid);
      const { status: after, endedAt, decidedAt } = await recordOf(one, gid);
      assert.deepEqual([after, decidedAt], [ends[status], before.decidedAt]);
      assert.equal(endedAt !== undefined, status !== "active");
      if (before.endedAt !== undefined) assert.equal(endedAt, before.endedAt);
    }
    await one.finish(randomUUID());
  }),
  law("keeps outputs with a commit, beside those that were known before", async (one) => {
    const gid = await begun(one, { outputs: { order: new Uint8Array([1]) } });
    await one.decide(gid, "committing", { outputs: { pay: new Uint8Array([2, 3]) } });
    const { outputs, abort } = await recordOf(one, gid);
    assert.deepEqual([outputs, abort], [{ order: new Uint8Array([1]), pay: new Uint8Array([2, 3]) }, undefined]);
  }),
  law("keeps the reason with an abort, and that of who decided only", async (one) => {
    const gid = await begun(one);
    await one.decide(gid, "aborting", { abort: noStock });
    await one.decide(gid, "aborting", { abort: { ...noStock, reason: "FORCED" } });
    assert.deepEqual((await recordOf(one, gid)).abort, noStock);
  }),
  law("lets one decision win a race, and tells everybody which", async (one, two) => {
    for (let round = 0; round < 5; round++) {
      const gid = await begun(one);
      const asked = Array.from({ length: 100 }, (_, i) =>
        (i % 3 ? one : two).decide(gid, i % 2 ? "committing" : "aborting", { abort: noStock }),
      );
      const answers = new Set(await Promise.all(asked));
      assert.deepEqual([...answers], [await statusOf(two, gid)]);
    }
  }),
  law("lets an abort where nothing was begun win over a late begin", async (one, two) => {
    const sample = sampleTransaction();
    assert.equal(await one.decide(sample.gid, "aborting", { abort: noStock }), "aborting");
    const there = await two.begin(sample, "me", long);
    assert.deepEqual([there?.status, there?.abort], ["aborting", noStock]);
    assert.equal(await two.decide(sample.gid, "committing", {}), "aborting");
  }),
  law("lets a late begin bring the plan of what was aborted before, so that it is found", async (one, two) => {
    const sample = sampleTransaction();
    await one.decide(sample.gid, "aborting", { abort: noStock });
    await one.begin(sample, "me", 0);
    const [found] = await claimAs(two, "you");
    assert.deepEqual([found?.gid, found?.status, found?.branches], [sample.gid, "aborting", sample.branches]);
  }),
  law("has nothing to commit where nothing was begun", async (one) => {
    const gid = randomUUID();
    assert.equal(await one.decide(gid, "committing", {}), undefined);
    assert.equal(await one.get(gid), undefined);
  }),
  law("lets begin or abort win, never both, when they come together", async (one, two) => {
    for (let round = 0; round < 20; round++) {
      const sample = sampleTransaction();
      const [there, aborted] = await Promise.all([
        one.begin(sample, "me", long),
        two.decide(sample.gid, "aborting", { abort: noStock }),
      ]);
      assert.equal(aborted, "aborting");
      assert.equal(await one.decide(sample.gid, "committing", {}), "aborting");
      assert.ok(there === undefined || there.status === "aborting");
      assert.deepEqual((await recordOf(one, sample.gid)).branches, sample.branches);
    }
  }),
  law("answers an inquiry with the status, and with a written abort where nothing was begun", async (one, two) => {
    for (const status of statuses) assert.equal(await two.inquire(await broughtTo(one, status)), status);
    const sample = sampleTransaction();
    const answers = await Promise.all([one.inquire(sample.gid), two.inquire(sample.gid), one.inquire(sample.gid)]);
    assert.deepEqual(answers, ["aborting", "aborting", "aborting"]);
    assert.equal((await one.begin(sample, "me", long))?.abort?.reason, "ORPHAN");
  }),
];

const driving = [
  law("gives nobody what is leased, and another one what is not renewed", async (one, two) => {
    const gid = await begun(one, {}, 700);
    assert.deepEqual(await claimAs(two, "you"), []);
    const found = await eventually(async () => (await claimAs(two, "you")).at(0));
    assert.deepEqual([found.gid, found.owner], [gid, "you"]);
    assert.equal(found.nextAt, found.leaseUntil);
    assert.deepEqual(await claimAs(one, "me"), []);
  }),
  law("keeps the lease of who decides", async (one, two) => {
    const gid = await begun(one);
    await one.decide(gid, "committing", {});
    assert.deepEqual(await claimAs(two, "you"), []);
    assert.equal((await recordOf(one, gid)).owner, "me");
  }),
  law("prolongs a lease that is renewed, by its owner alone", async (one, two) => {
    const [mine, gone] = [await begun(one, {}, 1000), await begun(one, {}, 1)];
    await eventually(async () => (await claimAs(two, "you")).length === 1);
    const before = await recordOf(one, gone);
    await one.renew([mine, gone, randomUUID()], "me", long);
    await one.renew([], "me", long);
    const { leaseUntil, nextAt, createdAt } = await recordOf(one, mine);
    assert.ok(leaseUntil >= createdAt + long);
    assert.equal(nextAt, leaseUntil);
    assert.deepEqual(await recordOf(one, gone), before);
  }),
  law("gives everything due once, whoever asks at the same time", async (one, two) => {
    const gids = await Promise.all(Array.from({ length: 40 }, () => begun(one, {}, 0)));
    const claims = await Promise.all(Array.from({ length: 10 }, (_, i) => claimAs(i % 2 ? one : two, `n${i}`, 7)));
    assert.ok(claims.every((claim) => claim.length <= 7));
    const rest = await claimAs(one, "rest", 100);
    assert.deepEqual(gidsOf([...claims.flat(), ...rest]), [...gids].sort());
  }),
  law("gives only transactions of the names asked for, the longest due first", async (one) => {
    const first = await begun(one, {}, 0);
    await begun(one, { name: "payOrder" }, 0);
    await eventually(async () => (await begun(one, {}, 0)) !== first);
    assert.deepEqual(await one.claim({ owner: "me", names: [], limit: 10, leaseMs: long }), []);
    assert.deepEqual(gidsOf(await claimAs(one, "me", 1)), [first]);
    assert.equal((await claimAs(one, "me")).length, 1);
    assert.equal((await one.claim({ owner: "me", names: ["payOrder", "x"], limit: 10, leaseMs: long })).length, 1);
  }),
  law("gives no ended transaction to anybody", async (one) => {
    for (const status of statuses) await one.wake(await broughtTo(one, status));
    const claimed = (await claimAs(one, "me")).map(({ status }) => status).sort();
    assert.deepEqual(claimed, ["aborting", "active", "committing"]);
  }),
  law("keeps of a note what it says, and the rest as it was", async (one) => {
    const gid = await begun(one);
    const before = await recordOf(one, gid);
    const noted = { attempts: 3, lastError: "away: 'ä' \\ \"", stuck: true, heuristic: "b2 was rolled back" };
    await one.note(gid, noted);
    await one.note(gid, { done: ["b1"] });
    await one.note(gid, {});
    await one.note(gid, { done: ["b2", "b1", "b2"] });
    assert.deepEqual(await recordOf(one, gid), { ...before, ...noted, done: ["b1", "b2"] });
    await one.note(gid, { lastError: "", stuck: false });
    assert.deepEqual(await recordOf(one, gid), {
      ...before,
      ...noted,
      done: ["b1", "b2"],
      lastError: "",
      stuck: false,
    });
    await one.note(randomUUID(), noted);
  }),
  law("makes it due when a note says, and gives its lease back", async (one, two) => {
    const gid = await begun(one);
    await one.note(gid, { nextInMs: long });
    const { owner, nextAt, leaseUntil } = await recordOf(one, gid);
    assert.deepEqual([owner, nextAt], ["", leaseUntil + long]);
    assert.deepEqual(await claimAs(two, "you"), []);
    await one.note(gid, { nextInMs: 0 });
    assert.deepEqual(gidsOf(await claimAs(two, "you")), [gid]);
  }),
  law("changes an ended transaction no more", async (one, two) => {
    for (const status of ["committed", "aborted"] as const) {
      const gid = await broughtTo(one, status);
      const before = await recordOf(one, gid);
      await two.note(gid, { done: ["b1"], attempts: 9, nextInMs: 0, stuck: true });
      await two.renew([gid], "me", long);
      assert.deepEqual(
        [await two.wake(gid), await two.pause(gid, true), await two.close(gid, "x")],
        [false, false, false],
      );
      assert.deepEqual(await recordOf(one, gid), before);
    }
  }),
  law("begins and decides a thousand at the same time", async (one, two) => {
    const results = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const gid = await begun(i % 2 ? one : two, { input: new Uint8Array([i % 256]) });
        const status = await one.decide(gid, i % 3 ? "committing" : "aborting", {
          outputs: { i: new Uint8Array([i % 251]) },
        });
        await one.note(gid, { attempts: i });
        await two.finish(gid);
        return { gid, status };
      }),
    );
    for (const [i, { gid, status }] of results.entries()) {
      assert.equal(status, i % 3 ? "committing" : "aborting");
      if (i % 50 !== 0) continue;
      const record = await recordOf(one, gid);
      assert.deepEqual([record.status, record.attempts], [i % 3 ? "committed" : "aborted", i]);
      assert.deepEqual([record.input, record.outputs.i], [new Uint8Array([i % 256]), new Uint8Array([i % 251])]);
    }
  }),
];

const operating = [
  law("makes a transaction due at once that is woken", async (one, two) => {
    const gid = await begun(one);
    assert.deepEqual([await two.wake(gid), await two.wake(randomUUID())], [true, false]);
    assert.deepEqual(gidsOf(await claimAs(two, "you")), [gid]);
  }),
  law("gives nobody a paused transaction until it goes on", async (one, two) => {
    const gid = await begun(one, {}, 0);
    assert.deepEqual([await two.pause(gid, true), await two.pause(randomUUID(), true)], [true, false]);
    assert.equal(await one.wake(gid), true);
    assert.deepEqual(await claimAs(one, "me"), []);
    assert.equal((await recordOf(one, gid)).paused, true);
    assert.equal(await two.pause(gid, false), true);
    assert.deepEqual(gidsOf(await claimAs(one, "me")), [gid]);
  }),
  law("closes by hand what is decided and has not ended", async (one) => {
    for (const status of statuses) {
      const gid = await broughtTo(one, status);
      const end = endOf(status);
      assert.equal(await one.close(gid, "paid by cash"), end !== undefined);
      const { status: after, heuristic } = await recordOf(one, gid);
      assert.deepEqual([after, heuristic], end ? [end, "paid by cash"] : [status, ""]);
    }
    assert.equal(await one.close(randomUUID(), "x"), false);
  }),
  law("keeps what was known to be wrong before what closing by hand adds", async (one) => {
    const gid = await broughtTo(one, "committing");
    await one.note(gid, { heuristic: "b1 is away", stuck: true });
    await one.close(gid, "done by hand");
    const { heuristic, stuck } = await recordOf(one, gid);
    assert.deepEqual([heuristic, stuck], ["b1 is away; done by hand", false]);
  }),
  law("keeps the acts of people in their order", async (one, two) => {
    const [gid, other] = [await begun(one), randomUUID()];
    await one.audit({ gid, action: "pause", by: "ann", reason: "looks odd" });
    await two.audit({ gid: other, action: "retry", by: "bob", reason: "" });
    await two.audit({ gid, action: "resume", by: "bob", reason: "ok 'ä'" });
    const { createdAt } = await recordOf(one, gid);
    const acts = await one.audits(gid);
    assert.deepEqual(
      acts.map(({ at, ...act }) => act),
      [
        { gid, action: "pause", by: "ann", reason: "looks odd" },
        { gid, action: "resume", by: "bob", reason: "ok 'ä'" },
      ],
    );
    assert.ok(acts.every(({ at }) => at >= createdAt - 1));
    assert.deepEqual(await one.audits(randomUUID()), []);
  }),
  law("finds what matches every part of a filter, the oldest first", async (one) => {
    const old = await begun(one);
    await eventually(
      async () =>
        (await recordOf(one, await begun(one, { name: "x" }))).createdAt > (await recordOf(one, old)).createdAt + 20,
    );
    const saga = await begun(one, { strategy: "saga" });
    await one.note(saga, { stuck: true });
    await one.decide(saga, "committing", {});
    const found = async (filter: Parameters<Coordinator["find"]>[0]) => gidsOf(await one.find(filter));
    assert.deepEqual(
      (await one.find({ name: "placeOrder" })).map(({ gid }) => gid),
      [old, saga],
    );
    assert.deepEqual(
      (await one.find({ name: "placeOrder", limit: 1 })).map(({ gid }) => gid),
      [old],
    );
    assert.deepEqual(await found({ strategy: "saga" }), [saga]);
    assert.deepEqual(await found({ stuck: true }), [saga]);
    assert.deepEqual(await found({ stuck: false, name: "placeOrder" }), [old]);
    assert.deepEqual(await found({ status: ["committing", "committed"] }), [saga]);
    assert.deepEqual(await found({ status: ["aborted"] }), []);
    assert.deepEqual(await found({ name: "placeOrder", status: undefined, olderThanMs: 10, strategy: "tcc" }), [old]);
    assert.deepEqual(await found({ olderThanMs: long }), []);
    assert.ok((await one.find({})).length >= 3);
  }),
  law("counts what has not ended by name, strategy and status", async (one) => {
    for (const status of statuses) await broughtTo(one, status);
    const [gid] = [await begun(one), await begun(one, { strategy: "saga" })];
    await one.note(gid, { stuck: true });
    await one.inquire(randomUUID());
    const counts = (await one.counts()).map(({ oldestMs, ...count }) => {
      assert.ok(oldestMs >= 0 && oldestMs < long);
      return count;
    });
    assert.deepEqual(
      counts.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      [
        { name: "placeOrder", strategy: "saga", status: "active", count: 1, stuck: 0 },
        { name: "placeOrder", strategy: "tcc", status: "aborting", count: 1, stuck: 0 },
        { name: "placeOrder", strategy: "tcc", status: "active", count: 2, stuck: 1 },
        { name: "placeOrder", strategy: "tcc", status: "committing", count: 1, stuck: 0 },
      ],
    );
  }),
  law("tells whether decisions are durable", async (one) => {
    const { durable, replicated } = await one.health();
    assert.equal(typeof durable, "boolean");
    assert.ok(durable || !replicated);
  }),
];

/** What all coordinators keep to, as seen by two processes that use them. */
export const coordinatorConformance = conformance<CoordinatorSubject>("coordinator", [
  ...beginning,
  ...deciding,
  ...driving,
  ...operating,
]);
