import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { encodeTraceparent } from "../../call/trace.ts";
import { codecOf } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import { systemPorts } from "../../core/ports.ts";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf, bankDatabase, bankOperations, bankPerformer, Movement } from "../../testing/bank.ts";
import { eventually } from "../../testing/eventually.ts";
import { keptSpans } from "../../testing/kept-spans.ts";
import { keptLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { participant } from "./participant.ts";
import { type Sweeper, type SweepHow, sweep, sweepEach } from "./sweep.ts";

const operations = bankOperations("Bank");
const holding = ["reserve", "prepare"] as const;
const facts: Readonly<Record<string, (typeof builtInStrategies)[keyof typeof builtInStrategies]>> = builtInStrategies;

/** Nothing failed, and nothing was closed by hand. */
const clean = { failed: [], closed: [], more: false };

function coordinatorHere(identity: string = randomUUID()): Coordinator {
  return keptCoordinator({ records: new Map(), ended: [], audits: [], identity, now: () => Date.now() }, 1_000);
}

await onServer(
  "a sweep on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A participant that asks a coordinator, and what it holds. */
    async function open(coordinator: Coordinator) {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 100n });
      await createFence(database.sql);
      const bank = participant(bankPerformer(operations, database), {
        asks: () => coordinator.identity,
        timers: systemPorts.timers,
      });
      const log = keptLog();
      const sweeper: Sweeper = {
        coordinator: () => coordinator,
        factsOf: (strategy) => facts[strategy],
        ask: (_, request, context) => bank.drive(request, context),
        log,
        at: () => undefined,
        ...{ told: new Set(), places: new Map() },
        driveTimeoutMs: 60_000,
      };
      const drive = (gid: string, action: BranchAction, strategy: string, keeper: string | undefined) =>
        bank.drive(
          {
            ...{ gid, branch: "b1", action, strategy, transaction: "placeOrder" },
            steps: [
              {
                ...{ step: "stock", operation: "take", version: 1 },
                input: codecOf(Movement).encode({ account: "a", cents: 30n }),
              },
            ],
            ...(keeper !== undefined && { coordinator: keeper }),
          },
          background,
        );
      return {
        bank,
        log,
        sweeper,
        drive,
        /** Lets the participant ask another coordinator from now on. */
        sweepFor: (other: Coordinator = coordinator, how: Partial<SweepHow> = {}) =>
          sweep(
            bank,
            { ...sweeper, coordinator: () => other },
            { reportOnly: false, olderThanMs: 0, ...how },
            background,
          ),
        /** Rows of branches that are older than any other, and that nobody can end. */
        async holdsBroken(count: number) {
          await database.sql`
            insert into mortise_fence (gid, branch, slot, kind, strategy, operations, created_at)
            select gen_random_uuid(), 'b1', 'R', 'reserve', 'tcc', 'gone@1', now() - interval '1 day' - n % 7 * interval '1 second'
            from generate_series(1, ${count}) as n`;
        },
        /** What is not on the account any more, and what is set aside or prepared. */
        async held() {
          const { balance, frozen } = await accountOf(database, "a");
          return { taken: 100n - balance - frozen, held: Number(frozen) + 30 * (await bank.prepared.waiting()).length };
        },
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    /** Begun by somebody who is gone, with the branch the participant holds. */
    const begunBy = async (coordinator: Coordinator, strategy: string, deadlineMs: number | undefined, trace = "") => {
      const step = { step: "stock", operation: "take", version: 1 };
      const branch = { after: [], pivot: false, afterCommit: false, droppable: false, external: false };
      const branches = [{ ...branch, id: "b1", participant: "test.bank.v1.Bank", steps: [step] }];
      const sample = sampleTransaction({ strategy, branches, deadlineMs, trace });
      await coordinator.begin(sample, "somebody", 60_000);
      return sample.gid;
    };

    for (const action of holding) {
      const strategy = action === "prepare" ? "3pc" : "tcc";

      it(`has aborted what nobody has decided in time, and frees it (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await open(coordinator);
        const gid = await begunBy(coordinator, strategy, 1);
        await at.drive(gid, action, strategy, coordinator.identity);
        await eventually(() => coordinator.overdue(gid));
        assert.deepEqual(await at.sweepFor(), { gids: [gid], ended: 1, foreign: [], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
        const record = await coordinator.get(gid);
        assert.deepEqual([record?.status, record?.abort?.reason], ["aborting", "DEADLINE"]);
        assert.equal(await coordinator.decide(gid, "committing", {}), "aborting");
      });

      it(`ends it in the trace of its transaction, and what was never begun in one of its own (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await open(coordinator);
        const kept = keptSpans(systemPorts);
        const lost = kept.start({ name: "transaction placeOrder", kind: "internal", service: "gone" });
        const gid = await begunBy(coordinator, strategy, undefined, encodeTraceparent(lost.context));
        await coordinator.decide(gid, "aborting", {});
        const unbegun = randomUUID();
        const traced = { ...at.sweeper, tracer: () => kept };
        for (const one of [gid, unbegun]) {
          await at.drive(one, action, strategy, coordinator.identity);
          assert.equal((await sweep(at.bank, traced, { reportOnly: false, olderThanMs: 0 }, background)).ended, 1);
        }
        const of = (one: string) =>
          kept.spans.filter(({ attributes }) => attributes["mortise.transaction.gid"] === one);
        const [span] = of(gid);
        const phase = action === "prepare" ? "rollbackPrepared" : "cancel";
        assert.deepEqual([span?.name, span?.service, span?.code], [`${phase} stock`, "placeOrder", "OK"]);
        assert.deepEqual([span?.trace.traceId, span?.parentSpanId], [lost.context.traceId, lost.context.spanId]);
        const strategyNoted = span?.attributes["mortise.transaction.strategy"];
        assert.deepEqual([strategyNoted, of(gid).length, of(unbegun).length], [strategy, 1, 1]);
        assert.notEqual(of(unbegun)[0]?.trace.traceId, lost.context.traceId);
      });

      it(`leaves alone what may still be decided, and what is paused (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await open(coordinator);
        const never = await begunBy(coordinator, strategy, undefined);
        await at.drive(never, action, strategy, coordinator.identity);
        assert.deepEqual(await at.sweepFor(), { gids: [never], ended: 0, foreign: [], ...clean });
        await coordinator.decide(never, "aborting", {});
        const paused = await begunBy(coordinator, strategy, 1);
        await coordinator.pause(paused, true);
        await at.sweepFor();
        await at.drive(paused, action, strategy, coordinator.identity);
        assert.deepEqual(await at.sweepFor(), { gids: [paused], ended: 0, foreign: [], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        await at.drive(paused, action === "prepare" ? "rollbackPrepared" : "cancel", strategy, undefined);
      });

      it(`never asks another coordinator than the one that keeps it, and says so once (${action})`, async () => {
        const [keeper, other] = [coordinatorHere(), coordinatorHere()];
        await using at = await open(keeper);
        const gid = await begunBy(keeper, strategy, 60_000);
        await at.drive(gid, action, strategy, keeper.identity);
        await keeper.decide(gid, "committing", {});
        for (const nobody of [other, coordinatorHere("")])
          assert.deepEqual(await at.sweepFor(nobody), { gids: [], ended: 0, foreign: [gid], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        assert.equal(await other.get(gid), undefined);
        const said = at.log.lines.filter(({ level }) => level === "error");
        assert.deepEqual([said.length, /DTX021/.test(said[0]?.message ?? "")], [1, true]);
        assert.deepEqual(await at.sweepFor(keeper), { gids: [gid], ended: 1, foreign: [], ...clean });
        assert.deepEqual(await at.held(), { taken: 30n, held: 0 });
      });

      it(`takes back what a coordinator kept that is gone for good, when a person says so (${action})`, async () => {
        const [gone, here] = [coordinatorHere(), coordinatorHere()];
        await using at = await open(gone);
        const gid = randomUUID();
        await at.drive(gid, action, strategy, gone.identity);
        const abandon = (reportOnly: boolean) => at.sweepFor(here, { reportOnly, foreign: true });
        assert.deepEqual(await abandon(true), { gids: [], ended: 0, foreign: [gid], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        assert.deepEqual(await abandon(false), { gids: [], ended: 1, foreign: [gid], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
        assert.equal(await here.get(gid), undefined);
      });

      it(`refuses to hold anything for another coordinator (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await open(coordinator);
        const asked = at.drive(randomUUID(), action, strategy, randomUUID());
        await assert.rejects(asked, { code: "FAILED_PRECONDITION", reason: "DTX021" });
        await assert.rejects(at.drive(randomUUID(), action, strategy, "x'"), { code: "INVALID_ARGUMENT" });
        assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
      });
    }

    it("finds a prepared branch whoever asks for it, with and without a name for the coordinator", async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      const ends = ["commitPrepared", "rollbackPrepared"] as const;
      const keepers = [coordinator.identity, undefined];
      for (const end of ends)
        for (const before of keepers)
          for (const after of keepers) {
            const gid = randomUUID();
            await at.drive(gid, "prepare", "xa", before);
            assert.equal((await at.drive(gid, "prepare", "xa", after)).outcome, "done");
            assert.equal((await at.drive(gid, end, "xa", after)).outcome, "done");
            assert.deepEqual(await at.bank.prepared.waiting(), []);
            await at.bank.performer.database.sql`update account set balance = 100`;
          }
    });

    it("commits what is undecided where another branch was committed, for then a decision was lost", async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      await using other = await open(coordinator);
      const gid = await begunBy(coordinator, "xa", 1);
      await at.drive(gid, "prepare", "xa", coordinator.identity);
      await at.drive(gid, "commitPrepared", "xa", coordinator.identity);
      await other.drive(gid, "prepare", "xa", coordinator.identity);
      await eventually(() => coordinator.overdue(gid));
      const sweeper: Sweeper = {
        ...{ coordinator: () => coordinator, factsOf: (strategy) => facts[strategy], log: other.log },
        ...{ at: () => undefined, told: new Set<string>(), places: new Map(), driveTimeoutMs: 60_000 },
        ask: (_, request, context) => at.bank.drive(request, context),
      };
      await sweep(other.bank, sweeper, { reportOnly: false, olderThanMs: 0 }, background);
      assert.equal((await coordinator.get(gid))?.status, "committing");
      assert.deepEqual(await other.held(), { taken: 30n, held: 0 });
    });

    it("keeps no other from its end where a branch fails, and tells which and why", async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      const { sql } = at.bank.performer.database;
      const [first, second] = [randomUUID(), randomUUID()];
      await at.drive(first, "reserve", "tcc", coordinator.identity);
      await at.drive(second, "reserve", "tcc", coordinator.identity);
      // Nobody performs what the older one was reserved with any more.
      await sql`update mortise_fence set operations = 'gone@1' where gid = ${first}`;
      const swept = await at.sweepFor();
      assert.deepEqual([swept.gids.length, swept.ended], [2, 1]);
      assert.deepEqual(
        swept.failed.map(({ gid, branch, why }) => [
          gid,
          branch,
          /cannot cancel gone@1: it has no such operation/.test(why),
        ]),
        [[first, "b1", true]],
      );
      const said = at.log.lines.find(({ message }) => message === "a branch could not be brought to its end");
      const { error, ...fields } = said?.fields ?? {};
      assert.deepEqual(fields, { gid: first, branch: "b1", participant: "test.bank.v1.Bank", operations: "gone@1" });
      assert.ok(error instanceof Error);
      assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
    });

    it("goes on behind branches that cannot be ended, however many they are", { timeout: 300_000 }, async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      await at.holdsBroken(1_203);
      const last = randomUUID();
      await at.drive(last, "reserve", "tcc", coordinator.identity);
      const { gids, ended, failed, more } = await at.sweepFor();
      assert.deepEqual([gids.length, gids.at(-1), ended, failed.length, more], [1_204, last, 1, 1_203, false]);
      assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
    });

    it("goes through so many at once, and the next time through those behind", { timeout: 300_000 }, async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      await at.holdsBroken(5_001);
      await at.drive(randomUUID(), "reserve", "tcc", coordinator.identity);
      const told = await at.sweepFor(coordinator, { reportOnly: true });
      assert.deepEqual([told.gids.length, told.more], [5_000, true]);
      const tried = () => at.log.lines.filter(({ message }) => /could not be brought to its end$/.test(message)).length;
      const looks = () => sweepEach([at.bank], at.sweeper, { reportOnly: false, olderThanMs: 0 }, background);
      await looks();
      assert.deepEqual([tried(), await at.held()], [5_000, { taken: 0n, held: 30 }]);
      await looks();
      assert.deepEqual([tried(), await at.held()], [5_001, { taken: 0n, held: 0 }]);
      await looks();
      assert.equal(tried(), 10_001);
    });

    it("sweeps the others where a participant fails, and says which failed", async () => {
      const coordinator = coordinatorHere();
      await using broken = await open(coordinator);
      await using at = await open(coordinator);
      await at.drive(randomUUID(), "reserve", "tcc", coordinator.identity);
      await broken.bank.performer.database.sql`drop table mortise_fence`;
      const how = { reportOnly: false, olderThanMs: 0 };
      await sweepEach([broken.bank, at.bank], at.sweeper, how, background);
      assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
      const said = at.log.lines.filter(({ message }) => message.startsWith("the sweep of a participant failed"));
      assert.deepEqual(
        said.map(({ fields }) => fields?.participant),
        ["test.bank.v1.Bank"],
      );
    });

    for (const action of holding) {
      const strategy = action === "prepare" ? "3pc" : "tcc";

      it(`leaves alone what a person has closed, and ends it when a person says so (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await open(coordinator);
        const gid = await begunBy(coordinator, strategy, undefined);
        await at.drive(gid, action, strategy, coordinator.identity);
        await coordinator.decide(gid, "committing", {});
        await coordinator.audit({ gid, action: "close", by: "ann", reason: "booked by hand" });
        await coordinator.close(gid, "closed by ann: booked by hand");
        for (const reportOnly of [true, false, false])
          assert.deepEqual(await at.sweepFor(coordinator, { reportOnly }), {
            ...{ gids: [], ended: 0, foreign: [], failed: [], more: false },
            closed: [gid],
          });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        assert.equal(at.log.lines.filter(({ message }) => /closed by hand/.test(message)).length, 1);
        const ended = await at.sweepFor(coordinator, { closed: true });
        assert.deepEqual(ended, { gids: [gid], ended: 1, foreign: [], ...clean });
        assert.deepEqual(await at.held(), { taken: 30n, held: 0 });
      });

      it(`guesses nothing about what was closed so long ago that its record is gone (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await open(coordinator);
        const gid = randomUUID();
        await at.drive(gid, action, strategy, coordinator.identity);
        await coordinator.audit({ gid, action: "close b1", by: "ann", reason: "booked by hand" });
        assert.deepEqual((await at.sweepFor()).closed, [gid]);
        const { ended, failed } = await at.sweepFor(coordinator, { closed: true });
        assert.deepEqual([ended, failed.map(({ why }) => /its record is gone/.test(why))], [0, [true]]);
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        await at.drive(gid, action === "prepare" ? "rollbackPrepared" : "cancel", strategy, undefined);
      });
    }

    it("sweeps what somebody wanted to close and did not", async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      for (const failed of [[], ["close failed"]]) {
        const gid = await begunBy(coordinator, "tcc", undefined);
        await at.drive(gid, "reserve", "tcc", coordinator.identity);
        for (const action of ["close", ...failed]) await coordinator.audit({ gid, action, by: "ann", reason: "x" });
        await coordinator.decide(gid, "aborting", {});
        assert.deepEqual(await at.sweepFor(), { gids: [gid], ended: 1, foreign: [], ...clean });
      }
    });

    it("leaves undecided what only its own steps decide, however late it is", async () => {
      const coordinator = coordinatorHere();
      await using at = await open(coordinator);
      for (const strategy of ["saga", "message", "unheard-of"]) {
        const gid = await begunBy(coordinator, strategy, 1);
        await at.drive(gid, "reserve", strategy, coordinator.identity);
        await eventually(() => coordinator.overdue(gid));
        assert.equal((await at.sweepFor()).ended, 0);
        assert.equal((await coordinator.get(gid))?.status, "active");
        await at.drive(gid, "cancel", strategy, undefined);
      }
    });
  },
);
