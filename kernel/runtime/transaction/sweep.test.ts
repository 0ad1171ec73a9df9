import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { encodeTraceparent } from "../../call/trace.ts";
import { systemPorts } from "../../core/ports.ts";
import { eventually } from "../../testing/eventually.ts";
import { keptSpans } from "../../testing/kept-spans.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { backOf, begunBy, clean, coordinatorHere, everything, holder, holding, strategyOf } from "./sweep.fixture.ts";
import { type Sweeper, sweep } from "./sweep.ts";

await onServer(
  "a sweep on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const action of holding) {
      const strategy = strategyOf(action);

      it(`has aborted what nobody has decided in time, and frees it (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
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
        await using at = await holder(server, coordinator);
        const kept = keptSpans(systemPorts);
        const lost = kept.start({ name: "transaction placeOrder", kind: "internal", service: "gone" });
        const gid = await begunBy(coordinator, strategy, undefined, encodeTraceparent(lost.context));
        await coordinator.decide(gid, "aborting", {});
        const unbegun = randomUUID();
        const traced = { ...at.sweeper, tracer: () => kept };
        for (const one of [gid, unbegun]) {
          await at.drive(one, action, strategy, coordinator.identity);
          assert.equal((await sweep(at.bank, traced, everything, background)).ended, 1);
        }
        const of = (one: string) =>
          kept.spans.filter(({ attributes }) => attributes["mortise.transaction.gid"] === one);
        const [span] = of(gid);
        const phase = backOf(action);
        assert.deepEqual([span?.name, span?.service, span?.code], [`${phase} stock`, "placeOrder", "OK"]);
        assert.deepEqual([span?.trace.traceId, span?.parentSpanId], [lost.context.traceId, lost.context.spanId]);
        const strategyNoted = span?.attributes["mortise.transaction.strategy"];
        assert.deepEqual([strategyNoted, of(gid).length, of(unbegun).length], [strategy, 1, 1]);
        assert.notEqual(of(unbegun)[0]?.trace.traceId, lost.context.traceId);
      });

      it(`leaves alone what may still be decided, and what is paused (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
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
        await at.drive(paused, backOf(action), strategy, undefined);
      });
    }

    it("finds a prepared branch whoever asks for it, with and without a name for the coordinator", async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
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
            await at.database.sql`update account set balance = 100`;
          }
    });

    it("commits what is undecided where another branch was committed, for then a decision was lost", async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
      await using other = await holder(server, coordinator);
      const gid = await begunBy(coordinator, "xa", 1);
      await at.drive(gid, "prepare", "xa", coordinator.identity);
      await at.drive(gid, "commitPrepared", "xa", coordinator.identity);
      await other.drive(gid, "prepare", "xa", coordinator.identity);
      await eventually(() => coordinator.overdue(gid));
      const sweeper = {
        ...other.sweeper,
        ask: (...[, request, context]: Parameters<Sweeper["ask"]>) => at.bank.drive(request, context),
      };
      await sweep(other.bank, sweeper, everything, background);
      assert.equal((await coordinator.get(gid))?.status, "committing");
      assert.deepEqual(await other.held(), { taken: 30n, held: 0 });
    });

    it("leaves undecided what only its own steps decide, however late it is", async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
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
