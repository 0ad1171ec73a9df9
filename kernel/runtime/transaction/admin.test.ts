import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { builtInStrategies, type Infer, TransactionAdmin, type TransactionQuery } from "../../contract/index.ts";
import { definePlugin } from "../../core/plugin.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { throughOutbox } from "../../spi/driving.ts";
import type { Client } from "../../spi/runtime.ts";
import { transaction } from "../../spi/transaction.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { type StrategyWorld, strategyWorld } from "../../testing/strategy-world.ts";
import { preparingStrategy, testStrategy } from "../../testing/test-strategies.ts";

const everything: Infer<typeof TransactionQuery> = {
  name: "",
  statuses: [],
  strategy: "",
  stuck: false,
  olderThanMs: 0n,
  limit: 0,
  open: false,
};
const everythingDecided = { name: "", participant: "", newerThanMs: 0n, after: "", limit: 0 };
const ann = { by: "ann", reason: "it looks odd", gid: "", name: "", strategy: "" };
const money = { from: "alice", to: "bob", cents: 100n, sponsor: "carol" };

const noticing = definePlugin({
  spi: transaction,
  name: "noticing",
  description: "Notices on a schedule, for tests",
  facts: builtInStrategies["best-effort"],
  setup: () => ({ api: throughOutbox(builtInStrategies["best-effort"], "notice") }),
});

await onServer(
  "what people do about transactions",
  () => postgresServer({ ours: true }),
  (server) => {
    describe("of two phases", () => {
      let world: StrategyWorld;
      let admin: Client<typeof TransactionAdmin>;
      before(async () => {
        world = await strategyWorld(server, testStrategy);
        admin = world.app.clients.client(TransactionAdmin);
      });
      after(async () => world[Symbol.asyncDispose]());

      /** Reserved everywhere, undecided, and nobody goes on. */
      function undecided(): Promise<string> {
        return world.left("collect", money, "active", { paused: true });
      }

      it("lists the transactions that fit, with their age, and says when there are more", async () => {
        const { gid } = await world.run("collect");
        const open = await undecided();
        const { transactions, more } = await admin.list({ ...everything, name: "collect" });
        assert.deepEqual([transactions.map((one) => one.gid).sort(), more], [[gid, open].sort(), false]);
        const [only] = (await admin.list({ ...everything, open: true })).transactions;
        assert.deepEqual([only?.gid, only?.status, only?.strategy], [open, "active", "two-phases"]);
        assert.equal((await admin.list({ ...everything, statuses: ["committed"] })).transactions[0]?.gid, gid);
        assert.equal((await admin.list({ ...everything, limit: 1 })).more, true);
        assert.deepEqual((await admin.list({ ...everything, olderThanMs: 3_600_000n })).transactions, []);
        const { counts } = await admin.counts({});
        assert.deepEqual(
          counts.map(({ name, strategy, status, count }) => [name, strategy, status, count]),
          [["collect", "two-phases", "active", 1n]],
        );
        await admin.force({ ...ann, gid: open, outcome: "abort" });
        await admin.resume({ ...ann, gid: open });
        await world.settled();
      });

      it("refuses a query nobody can mean", async () => {
        await assert.rejects(admin.list({ ...everything, name: "colect" }), {
          message: /^no transaction is named "colect"; /,
        });
        await assert.rejects(admin.list({ ...everything, strategy: "sage" }), { message: /^no transaction goes by / });
        assert.deepEqual((await admin.list({ ...everything, strategy: "saga" })).transactions, []);
        await assert.rejects(admin.list({ ...everything, statuses: ["done"] }), { code: "INVALID_ARGUMENT" });
        await assert.rejects(admin.list({ ...everything, limit: -1 }), { code: "INVALID_ARGUMENT" });
        await assert.rejects(admin.show({ gid: "x" }), { code: "INVALID_ARGUMENT" });
        await assert.rejects(admin.show({ gid: randomUUID() }), { code: "NOT_FOUND" });
        await assert.rejects(admin.pause(ann), { code: "INVALID_ARGUMENT" });
        await assert.rejects(admin.pause({ ...ann, gid: randomUUID() }), { code: "NOT_FOUND" });
        await assert.rejects(admin.pause({ ...ann, by: "", gid: randomUUID() }), { code: "NOT_FOUND" });
        await assert.rejects(admin.retry({ ...ann, gid: randomUUID() }), { code: "NOT_FOUND" });
      });

      it("shows a transaction with what its participants know, in the order it happened", async () => {
        const { gid } = await world.run("collect");
        const { summary, branches, events, silent } = await admin.show({ gid });
        assert.deepEqual([summary?.status, silent], ["committed", []]);
        assert.deepEqual(
          branches.map(({ id, steps, fence }) => [id, steps, fence.map(({ kind }) => kind)]),
          [
            ["b1", ["take"], ["reserve", "confirm"]],
            ["b2", ["also"], ["reserve", "confirm"]],
            ["b3", ["put"], ["reserve", "confirm"]],
          ],
        );
        const what = events.map((event) => event.what);
        assert.deepEqual([what.filter((one) => one === "confirm").length, what.at(-1)], [3, "end"]);
        assert.ok(what.indexOf("decide") > -1 && what.indexOf("begin") > -1);
        assert.deepEqual(
          events.map(({ at }) => at),
          events.map(({ at }) => at).sort((a, b) => Number(a - b)),
        );
        assert.ok(events.every(({ name, strategy }) => name === "collect" && strategy === "two-phases"));
        assert.deepEqual(
          (await admin.export({ gids: [gid] })).events.map((event) => event.what),
          what,
        );
      });

      it("gives the input a transaction was begun with", async () => {
        const { gid } = await world.run("collect", { cents: 7n });
        const { name, version, json } = await admin.input({ gid });
        assert.deepEqual([name, version], ["collect", 1]);
        assert.deepEqual(JSON.parse(json), { from: "alice", to: "bob", cents: "7", sponsor: "carol" });
        await assert.rejects(admin.input({ gid: randomUUID() }), { code: "NOT_FOUND" });
      });

      it("ends what can be ended although a branch fails, and tells which and why", async () => {
        const gid = await world.left("collect", money, "active", { paused: true });
        await admin.force({ ...ann, gid, outcome: "abort" });
        const second = await world.database(1);
        await second.sql`alter table account rename to account_away`;
        const request = { participant: "", end: true, olderThanMs: 0, by: "ann", reason: "tidy up" };
        const { participants, silent } = await admin.sweep(request);
        assert.deepEqual(
          participants.map(({ ended, failed }) => [ended, failed.map((one) => [one.gid, one.branch])]),
          [
            [1, []],
            [0, [[gid, "b2"]]],
            [1, []],
          ],
        );
        assert.deepEqual(silent, []);
        const { events } = await admin.show({ gid });
        assert.match(
          events.findLast(({ what }) => what === "audit")?.note ?? "",
          /^sweep failed: test\.bank\.v1\.Second b2: ./,
        );
        await second.sql`alter table account_away rename to account`;
        await admin.sweep(request);
        await admin.resume({ ...ann, gid });
        await world.settled();
      });

      it("shows what participants know of a transaction without a record", async () => {
        const { gid } = await world.run("move");
        const { summary, branches } = await admin.show({ gid });
        assert.equal(summary, undefined);
        assert.deepEqual(
          branches.map(({ participant, fence }) => [participant, fence.map(({ kind }) => kind)]),
          [["test.bank.v1.Own", ["apply"]]],
        );
      });

      it("aborts by hand what is undecided, once, and says so in the history", async () => {
        const before = await world.balance(0, "alice");
        const gid = await undecided();
        assert.deepEqual(await admin.force({ ...ann, gid, outcome: "abort" }), { status: "aborting" });
        await assert.rejects(admin.force({ ...ann, gid, outcome: "commit" }), { reason: "ALREADY_DECIDED" });
        await admin.resume({ ...ann, gid });
        await world.settled();
        const { summary, events } = await admin.show({ gid });
        assert.deepEqual([summary?.status, summary?.abortReason], ["aborted", "FORCED"]);
        assert.equal(await world.balance(0, "alice"), before);
        assert.deepEqual(
          events.filter(({ what }) => what === "audit").map(({ by, note }) => [by, note]),
          [
            ["ann", "force abort: it looks odd"],
            ["ann", "resume: it looks odd"],
          ],
        );
      });

      it("commits by hand only what every branch has voted for, and asks for the votes that are missing", async () => {
        const gid = await world.left("collect", money, "active", { paused: true, reserved: 1 });
        assert.deepEqual(await admin.force({ ...ann, gid, outcome: "commit" }), { status: "committing" });
        await admin.resume({ ...ann, gid });
        await world.settled();
        assert.equal((await admin.show({ gid })).summary?.status, "committed");

        const poor = await world.left("collect", { ...money, sponsor: "bonus" }, "active", {
          paused: true,
          reserved: 1,
        });
        await assert.rejects(admin.force({ ...ann, gid: poor, outcome: "commit" }), {
          reason: "CANNOT_COMMIT",
          message: /at step also/,
        });
        const { summary, events } = await admin.show({ gid: poor });
        assert.equal(summary?.status, "active");
        assert.match(events.at(-1)?.note ?? "", /^force commit failed: it cannot be committed/);
        await admin.force({ ...ann, gid: poor, outcome: "abort" });
        await admin.resume({ ...ann, gid: poor });
        await world.settled();
      });

      it("leaves a paused transaction to nobody until it is resumed, one or all of a strategy", async () => {
        const gid = await world.left("collect", money, "active", { paused: true });
        const other = await world.left("collect", money, "active", { paused: true });
        await admin.retry({ ...ann, gid });
        assert.deepEqual((await admin.pause({ ...ann, strategy: "two-phases" })).gids.toSorted(), [gid, other].sort());
        assert.equal((await admin.show({ gid })).summary?.status, "active");
        assert.deepEqual((await admin.resume({ ...ann, strategy: "saga" })).gids, []);
        const unheard = {
          code: "INVALID_ARGUMENT",
          message: 'no open transaction is named "colect"; there are collect, move, pay',
        };
        await assert.rejects(admin.pause({ ...ann, name: "colect" }), unheard);
        const unknown = {
          code: "INVALID_ARGUMENT",
          message: /^no open transaction goes by a strategy "sage"; there are .*two-phases/,
        };
        await assert.rejects(admin.pause({ ...ann, strategy: "sage" }), unknown);
        assert.equal((await admin.resume({ ...ann, name: "collect", strategy: "two-phases" })).gids.length, 2);
        await world.settled();
        await assert.rejects(admin.pause({ ...ann, gid }), { reason: "HAS_ENDED" });
      });

      it("closes by hand what is decided, with who and why kept", async () => {
        const gid = await world.left("collect", money, "active", { paused: true });
        const close = { ...ann, gid, branch: "" };
        await assert.rejects(admin.close({ ...close, reason: " " }), { code: "INVALID_ARGUMENT" });
        await assert.rejects(admin.close({ ...close, by: "" }), { code: "INVALID_ARGUMENT" });
        await assert.rejects(admin.close(close), { reason: "UNDECIDED" });
        await admin.force({ ...ann, gid, outcome: "abort" });
        await admin.close({ ...ann, branch: "", gid, reason: "paid back in cash" });
        const { summary } = await admin.show({ gid });
        assert.deepEqual([summary?.status, summary?.heuristic], ["aborted", "closed by ann: paid back in cash"]);
        await assert.rejects(admin.close(close), { reason: "HAS_ENDED" });
        const request = { participant: "", end: false, olderThanMs: 0, by: "", reason: "" };
        await assert.rejects(admin.sweep({ ...request, end: true }), { code: "INVALID_ARGUMENT" });
        const tidying = { ...request, end: true, by: "ann", reason: "tidy up" };
        for (const how of [request, tidying]) {
          const { participants } = await admin.sweep(how);
          assert.ok(participants.every((one) => one.closed.includes(gid) && one.gids.length + one.ended === 0));
        }
        const found = await admin.sweep({ ...request, closed: true });
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
        const third = await world.database(2);
        const gid = await world.left("collect", money, "active", { paused: true });
        await admin.force({ ...ann, gid, outcome: "commit" });
        await third.sql`alter table account rename to account_away`;
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
        await third.sql`alter table account_away rename to account`;
        const again = { participant: "", end: true, olderThanMs: 0, by: "ann", reason: "it works again" };
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
        const gid = await world.left("collect", money, "active", { paused: true });
        const close = { ...ann, gid, branch: "b1" };
        await assert.rejects(admin.close(close), { reason: "UNDECIDED" });
        await admin.force({ ...ann, gid, outcome: "abort" });
        await admin.close(close);
        await assert.rejects(admin.close(close), { reason: "BRANCH_IS_DONE" });
        const tidying = { participant: "", end: true, olderThanMs: 0, by: "ann", reason: "not paid back after all" };
        await admin.resume({ ...ann, gid });
        await eventually(async () => (await admin.show({ gid })).summary?.status === "aborted", 60_000);
        await admin.sweep({ ...tidying, closed: true });
        await world.settled();
      });

      it("tells of participants that do not answer, with everything else", async () => {
        const gid = await world.left("collect", money, "active", { paused: true });
        const api = world.app.kernel.get(coordinator);
        const record = await api.get(gid);
        assert.ok(record);
        const ghost = { ...record.branches[0], id: "b9", participant: "test.bank.v1.Ghost" } as never;
        const other = randomUUID();
        await api.begin(
          { ...record, gid: other, status: "active", branches: [ghost], deadlineMs: undefined },
          "x",
          60_000,
        );
        const { summary, silent } = await admin.show({ gid: other });
        assert.deepEqual([summary?.gid, silent.map(({ participant }) => participant)], [other, ["test.bank.v1.Ghost"]]);
        for (const one of [gid, other]) await admin.force({ ...ann, gid: one, outcome: "abort" });
        await admin.close({ ...ann, gid: other, branch: "" });
        await admin.resume({ ...ann, gid });
        await world.settled();
      });
    });

    it("shows prepared transactions beside their branches, and aborts them by hand", async () => {
      await using world = await strategyWorld(server, preparingStrategy);
      const admin = world.app.clients.client(TransactionAdmin);
      const gid = await world.left("collect", money, "active", { paused: true });
      const { branches } = await admin.show({ gid });
      assert.deepEqual(
        branches.map(({ prepared }) => prepared),
        branches.map(({ id }) => [`mortise:${gid}:${id}`]),
      );
      await admin.force({ ...ann, gid, outcome: "abort" });
      await admin.resume({ ...ann, gid });
      await world.settled();
    });

    it("shows what waits in an outbox, and hands it on at once", async () => {
      await using world = await strategyWorld(server, noticing);
      const admin = world.app.clients.client(TransactionAdmin);
      const second = await world.database(1);
      await second.sql`alter table account rename to account_away`;
      const { gid } = await world.run("pay", { settled: false });
      const { sql } = await world.database(0);
      const givenUp = () => sql`select 1 from mortise_outbox where branch = 'b2' and state = 'exhausted'`;
      await eventually(async () => (await givenUp()).length > 0, 60_000);
      const waiting = (await admin.show({ gid })).branches.find(({ id }) => id === "b2");
      assert.equal(waiting?.outbox?.state, "exhausted");
      await second.sql`alter table account_away rename to account`;
      assert.ok((await admin.retry({ ...ann, gid })).outboxRows >= 1);
      await world.settled();
    });

    it("takes all of a transaction that is closed by hand out of the outbox, so that nobody does it", async () => {
      await using world = await strategyWorld(server, noticing);
      const admin = world.app.clients.client(TransactionAdmin);
      const second = await world.database(1);
      await second.sql`alter table account rename to account_away`;
      const { gid } = await world.run("pay", { settled: false });
      const { sql } = await world.database(0);
      await eventually(async () => (await sql`select 1 from mortise_outbox where branch = 'b2'`).length > 0, 60_000);
      const { outboxRows, silent } = await admin.close({ ...ann, gid, branch: "", reason: "told by telephone" });
      assert.deepEqual([outboxRows > 0, silent], [true, []]);
      assert.equal((await sql`select 1 from mortise_outbox`).length, 0);
      assert.match((await admin.show({ gid })).summary?.heuristic ?? "", /^closed by ann: told by telephone$/);
      await second.sql`alter table account_away rename to account`;
    });

    it("takes a branch that is closed by hand out of the outbox, and the others go on", async () => {
      await using world = await strategyWorld(server, noticing);
      const admin = world.app.clients.client(TransactionAdmin);
      const second = await world.database(1);
      await second.sql`alter table account rename to account_away`;
      const { gid } = await world.run("pay", { settled: false });
      const { sql } = await world.database(0);
      await eventually(async () => (await sql`select 1 from mortise_outbox where branch = 'b2'`).length > 0, 60_000);
      const closed = await admin.close({ ...ann, gid, branch: "b2", reason: "told by telephone" });
      assert.deepEqual(closed, { gids: [gid], outboxRows: 1, silent: [] });
      await eventually(async () => (await admin.show({ gid })).summary?.status === "committed", 60_000);
      assert.equal((await sql`select 1 from mortise_outbox`).length, 0);
      assert.match((await admin.show({ gid })).summary?.heuristic ?? "", /^b2 .* closed by ann: told by telephone$/);
      await second.sql`alter table account_away rename to account`;
    });
  },
);
