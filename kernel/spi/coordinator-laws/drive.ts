import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { eventually } from "../../testing/eventually.ts";
import { begun, broughtTo, claimAs, gidsOf, law, long, recordOf, statuses } from "./common.ts";

/** What leases, claims and notes keep to. */
export const driveLaws = [
  law("gives nobody what is leased, and another one what is not renewed", async (one, two) => {
    const gid = await begun(one, {}, 3000);
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
    const [mine, gone] = [await begun(one, {}, 30_000), await begun(one, {}, 1)];
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
  law("adds every branch that ended otherwise to those that are known", async (one) => {
    const gid = await begun(one);
    for (const heuristic of ["b1 was lost", "b2 was lost", "", "b1 was lost"]) await one.note(gid, { heuristic });
    assert.equal((await recordOf(one, gid)).heuristic, "b1 was lost; b2 was lost");
  }),
  law("adds the outputs a note brings to those that are known, also after the decision", async (one) => {
    const gid = await begun(one, { outputs: { a: new Uint8Array([1]) } });
    await one.decide(gid, "committing", { outputs: { b: new Uint8Array([2]) } });
    await one.note(gid, { outputs: { c: new Uint8Array([3, 0]) } });
    await one.note(gid, { attempts: 1 });
    const { outputs } = await recordOf(one, gid);
    assert.deepEqual(outputs, { a: new Uint8Array([1]), b: new Uint8Array([2]), c: new Uint8Array([3, 0]) });
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
