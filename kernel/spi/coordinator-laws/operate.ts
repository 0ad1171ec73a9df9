import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { eventually } from "../../testing/eventually.ts";
import type { Coordinator } from "../coordinator.ts";
import { endOf, hasEnded } from "../transaction-record.ts";
import { begun, broughtTo, claimAs, gidsOf, law, long, recordOf, statuses } from "./common.ts";

/** The gid before all others. */
const nobody = "00000000-0000-0000-0000-000000000000";

/** What people and their tools rely on. */
export const operateLaws = [
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
  law("lets one branch of what is decided count as done by hand, once, and the rest goes on", async (one, two) => {
    for (const status of statuses) {
      const gid = await broughtTo(one, status);
      const open = endOf(status) !== undefined;
      const closed = [await one.close(gid, "b2 by cash", "b2"), await two.close(gid, "b2 again", "b2")];
      assert.deepEqual(closed, [open, false]);
      const { status: after, heuristic, done } = await recordOf(one, gid);
      assert.deepEqual([after, heuristic, done], open ? [status, "b2 by cash", ["b2"]] : [status, "", []]);
    }
    assert.equal(await one.close(randomUUID(), "x", "b1"), false);
  }),
  law("keeps what was known to be wrong before what closing by hand adds", async (one) => {
    const gid = await broughtTo(one, "committing");
    await one.note(gid, { heuristic: "b1 is away", stuck: true });
    await one.close(gid, "done by hand");
    const { heuristic, stuck } = await recordOf(one, gid);
    assert.deepEqual([heuristic, stuck], ["b1 is away; done by hand", false]);
  }),
  law("says once why it ended otherwise, whatever signs the reason has", async (one, two) => {
    const reason = "closed by ann: paid; in cash";
    const gid = await broughtTo(one, "committing");
    for (const heuristic of ["b1 is away", reason, "closed by ann", reason]) await one.note(gid, { heuristic });
    await two.close(gid, reason);
    assert.equal((await recordOf(one, gid)).heuristic, `b1 is away; ${reason}; closed by ann`);
  }),
  law("keeps the acts of people in their order", async (one, two) => {
    const [gid, other] = [await begun(one), randomUUID()];
    await one.audit({ gid, action: "pause", by: "ann", reason: "looks odd" });
    await two.audit({ gid: other, action: "retry", by: "bob", reason: "" });
    await two.audit({ gid, action: "resume", by: "bob", reason: "ok 'ä'" });
    const { createdAt } = await recordOf(one, gid);
    const acts = await one.audits(gid);
    assert.deepEqual(
      acts.map(({ gid, action, by, reason }) => ({ gid, action, by, reason })),
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
    assert.deepEqual(await found({ gids: [saga, randomUUID()] }), [saga]);
    assert.deepEqual(await found({ gids: [old, saga], strategy: "saga" }), [saga]);
    assert.deepEqual(await found({ gids: [] }), []);
    assert.ok((await one.find({})).length >= 3);
    assert.deepEqual(await found({ newerThanMs: long, name: "placeOrder" }), [old, saga].sort());
    await eventually(async () => (await found({ newerThanMs: 10, name: "placeOrder" })).length === 0);
  }),
  law("finds what a person names by the end of its gid", async (one) => {
    const [gid, other] = [await begun(one), await begun(one)];
    const found = async (gidEnd: string) => gidsOf(await one.find({ gids: [gid, other], gidEnd }));
    for (const signs of [8, 13, 35, 36]) assert.deepEqual(await found(gid.slice(-signs)), [gid]);
    for (const nobodys of [gid.slice(-12).replaceAll(/./g, "_"), `${gid}0`, gid.slice(0, 8)])
      assert.deepEqual(await found(nobodys), []);
    assert.deepEqual((await found("")).toSorted(), [gid, other].sort());
  }),
  law("goes through all that match, batch by batch, in the order of gids", async (one) => {
    const name = randomUUID();
    const all: string[] = [];
    for (let count = 0; count < 7; count++) all.push(await begun(one, { name }));
    const seen: string[] = [];
    for (let after: string | undefined = nobody; after !== undefined; ) {
      const batch: readonly string[] = (await one.find({ name, after, limit: 3 })).map(({ gid }) => gid);
      seen.push(...batch);
      after = batch.at(-1);
    }
    assert.deepEqual(seen, all.toSorted());
  }),
  law("knows of many which have not ended, or not long ago by its own clock", async (one, two) => {
    const [open, ended, unbegun]: [string[], string[], string] = [[], [], randomUUID()];
    for (const status of statuses) (hasEnded(status) ? ended : open).push(await broughtTo(one, status));
    await one.decide(unbegun, "aborting", {});
    open.push(unbegun);
    const asked = [...open, ...ended, randomUUID()];
    const within = async (ms: number) => (await two.notLongEnded(asked, ms)).toSorted();
    assert.deepEqual(await within(long), [...open, ...ended].toSorted());
    await eventually(async () => (await within(10)).length === open.length);
    assert.deepEqual(await within(10), open.toSorted());
    assert.deepEqual(await one.notLongEnded([], long), []);
    await assert.rejects(one.notLongEnded(["x"], long), { code: "INVALID_ARGUMENT" });
  }),
  law("says for how long it keeps what has ended, the same to all", async (one, two) => {
    assert.ok(one.keepsEndedMs === undefined || one.keepsEndedMs > 0);
    assert.equal(two.keepsEndedMs, one.keepsEndedMs);
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
  law("is the same for all who share it, and no other", async (one, two) => {
    assert.match(one.identity, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(two.identity, one.identity);
  }),
  law("tells whether decisions are durable", async (one) => {
    const { durable, replicated } = await one.health();
    assert.equal(typeof durable, "boolean");
    assert.ok(durable || !replicated);
  }),
];
