import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { accountsAway, adminWorld, ann } from "./admin.fixture.ts";

const everythingDecided = { name: "", participant: "", newerThanMs: 0n, after: "", limit: 0, passOver: [] };
/** Ends whatever can be ended. */
const tidying = { participant: "", end: true, olderThanMs: 0, by: "ann", reason: "tidy up" };
/** Only tells what there is. */
const looking = { ...tidying, end: false, by: "", reason: "" };

await onServer("what people close and sweep", adminWorld, ({ world, admin, undecided }) => {
  it("closes by hand what is decided, with who and why kept", async () => {
    const gid = await undecided();
    const close = { ...ann, gid, branch: "" };
    await assert.rejects(admin.close({ ...close, reason: " " }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(admin.close({ ...close, by: "" }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(admin.close(close), { reason: "UNDECIDED" });
    await admin.force({ ...ann, gid, outcome: "abort" });
    await admin.close({ ...ann, branch: "", gid, reason: "paid back in cash" });
    const { summary } = await admin.show({ gid });
    assert.deepEqual([summary?.status, summary?.heuristic], ["aborted", "closed by ann: paid back in cash"]);
    await assert.rejects(admin.close(close), { reason: "HAS_ENDED" });
    await assert.rejects(admin.sweep({ ...looking, end: true }), { code: "INVALID_ARGUMENT" });
    for (const how of [looking, tidying]) {
      const { participants } = await admin.sweep(how);
      assert.ok(participants.every((one) => one.closed.includes(gid) && one.gids.length + one.ended === 0));
    }
    const found = await admin.sweep({ ...looking, closed: true });
    assert.ok(found.participants.every((one) => one.gids.includes(gid) && one.ended === 0));
    const swept = await admin.sweep({ ...tidying, closed: true });
    assert.deepEqual([swept.participants.map(({ ended }) => ended), swept.silent], [[1, 1, 1], []]);
    await world.settled();
    assert.deepEqual(
      (await admin.show({ gid })).events.filter(({ what }) => what === "audit").at(-1)?.note,
      "sweep: tidy up",
    );
  });

  it("has one branch count as done by hand, and the rest goes on by itself", async () => {
    const gid = await undecided();
    await admin.force({ ...ann, gid, outcome: "commit" });
    const back = await accountsAway(await world.database(2));
    await admin.resume({ ...ann, gid });
    const close = { ...ann, gid, branch: "b3", reason: "put in by hand" };
    await assert.rejects(admin.close({ ...close, branch: "b9" }), { reason: "NO_SUCH_BRANCH", message: /b3 \(/ });
    assert.deepEqual((await admin.close(close)).gids, [gid]);
    await eventually(async () => (await admin.show({ gid })).summary?.status === "committed", 60_000);
    const { summary, branches, events } = await admin.show({ gid });
    assert.equal(summary?.heuristic, "b3 (test.bank.v1.Third) closed by ann: put in by hand");
    assert.deepEqual(
      branches.map(({ fence }) => fence.map(({ kind }) => kind)),
      [["reserve", "confirm"], ["reserve", "confirm"], ["reserve"]],
    );
    assert.deepEqual(
      events.filter(({ what }) => what === "audit").map(({ note }) => note),
      ["force commit: it looks odd", "resume: it looks odd", "close b3: put in by hand"],
    );
    const told = await admin.reconcile(everythingDecided);
    assert.deepEqual(
      told.differences.map(({ gid, branch, what, heuristic }) => [gid, branch, what, heuristic]),
      [[gid, "b3", "unfinished", summary?.heuristic]],
    );
    await back();
    const again = { ...tidying, reason: "it works again" };
    const left = await admin.sweep(again);
    assert.deepEqual(
      left.participants.map(({ closed, ended }) => [closed, ended]),
      [
        [[], 0],
        [[], 0],
        [[gid], 0],
      ],
    );
    assert.equal((await admin.reconcile(everythingDecided)).differences.length, 1);
    await admin.sweep({ ...again, closed: true });
    await world.settled();
    assert.deepEqual((await admin.reconcile(everythingDecided)).differences, []);
  });

  it("closes by hand no branch of what is undecided, or that is done", async () => {
    const gid = await undecided();
    const close = { ...ann, gid, branch: "b1" };
    await assert.rejects(admin.close(close), { reason: "UNDECIDED" });
    await admin.force({ ...ann, gid, outcome: "abort" });
    await admin.close(close);
    await assert.rejects(admin.close(close), { reason: "BRANCH_IS_DONE" });
    await admin.resume({ ...ann, gid });
    await eventually(async () => (await admin.show({ gid })).summary?.status === "aborted", 60_000);
    await admin.sweep({ ...tidying, reason: "not paid back after all", closed: true });
    await world.settled();
  });

  it("says of a participant nobody has which there are, and not that it is away", async () => {
    for (const participant of ["foo", "test.bank.v1.Secnod"])
      await assert.rejects(admin.sweep({ ...looking, participant }), {
        code: "INVALID_ARGUMENT",
        message: new RegExp(`has a participant "${participant}", and none .*; there are .*test\\.bank\\.v1\\.Second`),
      });
    const { participants } = await admin.sweep({ ...looking, participant: "test.bank.v1.Second" });
    assert.deepEqual(
      participants.map(({ participant }) => participant),
      ["test.bank.v1.Second"],
    );
  });

  it("leaves alone what is paused, and tells of what fails once it is resumed which branch and why", async () => {
    const gid = await undecided();
    await admin.force({ ...ann, gid, outcome: "abort" });
    const back = await accountsAway(await world.database(1));
    const { participants, silent } = await admin.sweep(tidying);
    assert.deepEqual(
      participants.map(({ ended, failed }) => [ended, failed]),
      [
        [0, []],
        [0, []],
        [0, []],
      ],
    );
    assert.deepEqual(silent, []);
    await admin.resume({ ...ann, gid });
    const failed = await eventually(async () => {
      const swept = await admin.sweep(tidying); // it is perhaps being tried at that moment
      const all = swept.participants.flatMap((one) => one.failed);
      return all.length > 0 && all;
    }, 60_000);
    assert.deepEqual(
      failed.map((one) => [one.gid, one.branch]),
      [[gid, "b2"]],
    );
    const { events } = await admin.show({ gid });
    assert.match(
      events.findLast(({ what }) => what === "audit")?.note ?? "",
      /^sweep failed: test\.bank\.v1\.Second b2: ./,
    );
    await back();
    await admin.retry({ ...ann, gid });
    await world.settled();
  });
});
