import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { eventually } from "../../testing/eventually.ts";
import { endOf } from "../transaction-record.ts";
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
  statusOf,
} from "./common.ts";

/** What decisions keep to: one wins, and all see it. */
export const decideLaws = [
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
      assert.equal(await two.finish(gid), endOf(status) !== undefined);
      const { status: after, endedAt, decidedAt } = await recordOf(one, gid);
      assert.deepEqual([after, decidedAt], [ends[status], before.decidedAt]);
      assert.equal(endedAt !== undefined, status !== "active");
      if (before.endedAt !== undefined) assert.equal(endedAt, before.endedAt);
    }
    assert.equal(await one.finish(randomUUID()), false);
  }),
  law("tells one alone of many who end a transaction that it was them", async (one, two) => {
    for (const status of ["committing", "aborting"] as const) {
      const gids = await Promise.all(Array.from({ length: 5 }, () => broughtTo(one, status)));
      const asked = gids.flatMap((gid) =>
        Array.from({ length: 10 }, async (_, i) => ({ gid, ended: await (i % 2 ? one : two).finish(gid) })),
      );
      const ended = (await Promise.all(asked)).filter((answer) => answer.ended);
      assert.deepEqual(ended.map(({ gid }) => gid).sort(), gids.toSorted());
      assert.deepEqual(await Promise.all(gids.map((gid) => one.finish(gid))), Array(5).fill(false));
    }
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
  law("puts off with the decision what others are to do, unless somebody else has decided", async (one, two) => {
    const next = { attempts: 4, nextInMs: 0 };
    for (const [decision, taken] of [
      ["committing", true],
      ["aborting", false],
    ] as const) {
      const gid = await begun(one);
      if (!taken) await two.decide(gid, decision, { abort: noStock });
      assert.equal(await one.decide(gid, "committing", { next }), decision);
      const { attempts, owner } = await recordOf(two, gid);
      assert.deepEqual([attempts, owner], taken ? [4, ""] : [0, "me"]);
      assert.deepEqual(gidsOf(await claimAs(two, "you")), taken ? [gid] : []);
    }
    const later = await begun(one);
    await one.decide(later, "committing", { next: { attempts: 1, nextInMs: long } });
    assert.deepEqual(gidsOf(await claimAs(two, "you")), []);
  }),
  law("keeps with an end what became known with it, and nothing where it does not end", async (one, two) => {
    const last = { done: ["b2", "b1", "b2"], outputs: { pay: new Uint8Array([4]) } };
    for (const status of statuses) {
      const gid = await broughtTo(one, status);
      await one.note(gid, { done: ["b1"] });
      const before = await recordOf(one, gid);
      const ended = await two.finish(gid, last);
      const { done, outputs } = await recordOf(one, gid);
      const wanted = ended ? [["b1", "b2"], { ...before.outputs, ...last.outputs }] : [before.done, before.outputs];
      assert.deepEqual([done, outputs], wanted);
      assert.equal(ended, endOf(status) !== undefined);
    }
    const gids = await Promise.all(Array.from({ length: 6 }, () => broughtTo(one, "committing")));
    const ended = await Promise.all(gids.map((gid, n) => one.finish(gid, n % 2 ? { done: [`b${n}`] } : undefined)));
    assert.deepEqual(ended, Array(6).fill(true));
    assert.deepEqual(
      (await Promise.all(gids.map((gid) => recordOf(two, gid)))).map(({ status, done }) => [status, ...done]),
      gids.map((_, n) => (n % 2 ? ["committed", `b${n}`] : ["committed"])),
    );
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
  law(
    "knows by its own clock what should have been decided, and calls nothing so that is decided or paused",
    async (one, two) => {
      const [late, early, never] = [{ deadlineMs: 1 }, { deadlineMs: long }, { deadlineMs: undefined }];
      const gid = await begun(one, late);
      await eventually(() => two.overdue(gid));
      for (const other of [await begun(one, early), await begun(one, never), randomUUID()])
        assert.equal(await two.overdue(other), false);
      await one.pause(gid, true);
      assert.equal(await two.overdue(gid), false);
      await one.pause(gid, false);
      assert.equal(await two.overdue(gid), true);
      await one.decide(gid, "aborting", {});
      assert.equal(await two.overdue(gid), false);
    },
  ),
];
