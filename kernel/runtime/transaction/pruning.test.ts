import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { systemPorts } from "../../core/ports.ts";
import type { Database } from "../../spi/store.ts";
import { eventually } from "../../testing/eventually.ts";
import { keptLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { pruning } from "./pruning.ts";
import { coordinatorHere, holder } from "./sweep.fixture.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What goes through these databases every six hours, by a clock that shows what a test says. */
function pruner(databases: readonly Database[], retentionMs: number | undefined = dayMs) {
  const log = keptLog();
  const time = { now: 0 };
  let looks = 0;
  const worker = pruning({
    databases: () => {
      looks++;
      return databases;
    },
    ...{ coordinator: coordinatorHere, retentionMs, everyMs: 6 * hourMs, log },
    ports: { ...systemPorts, clock: { ...systemPorts.clock, now: () => time.now } },
  });
  worker.start();
  return {
    log,
    /** Sets the clock, and lets it look at that at least once from the beginning to the end. */
    async at(nowMs: number): Promise<void> {
      time.now = nowMs;
      for (let n = 0; n < 2; n++) {
        const before = looks; // whoever was at it may have looked at the clock before
        worker.wake();
        await eventually(() => looks > before, 60_000);
      }
    },
    [Symbol.asyncDispose]: () => worker.stop(),
  };
}

await onServer(
  "what goes through fences for old rows",
  () => postgresServer({ ours: true }),
  (server) => {
    const settles = ({ sql }: Database, count: number) => sql`
      insert into mortise_fence (gid, branch, slot, kind, strategy, operations, created_at)
      select gid, 'b1', slot, 'apply', 'saga', 'take@1', now() - interval '2 days'
      from (select gen_random_uuid() as gid from generate_series(1, ${count})) as one, (values ('R'::"char"), ('F')) as sides (slot)`;
    const left = async ({ sql }: Database) => (await sql`select 1 from mortise_fence`).length;

    it("begins ten minutes after a database is there, comes through all of it, and again after six hours", async () => {
      await using at = await holder(server, coordinatorHere());
      const { database } = at;
      await settles(database, 5_000);
      await using walks = pruner([database, database]);
      await walks.at(0);
      await walks.at(599_000);
      assert.equal(await left(database), 10_000);
      await walks.at(600_000);
      await eventually(async () => (await left(database)) === 0, 60_000);
      await eventually(() => walks.log.lines.length === 1);
      const [{ level, fields } = {}] = walks.log.lines;
      assert.deepEqual([level, fields], ["info", { database: database.name, branches: 5_000 }]);
      await settles(database, 10);
      await walks.at(600_000 + 5 * hourMs);
      assert.equal(await left(database), 20);
      await walks.at(700_000 + 6 * hourMs);
      await eventually(async () => (await left(database)) === 0, 60_000);
    });

    it("goes through others where one fails, and through that one later", async () => {
      await using broken = await holder(server, coordinatorHere());
      await using at = await holder(server, coordinatorHere());
      for (const { database } of [broken, at]) await settles(database, 10);
      await broken.database.sql`alter table mortise_outbox rename to gone`;
      await using walks = pruner([broken.database, at.database]);
      await walks.at(0);
      await walks.at(600_000);
      await eventually(async () => (await left(at.database)) === 0, 60_000);
      await eventually(() => walks.log.lines.some(({ level }) => level === "warn"));
      const failed = walks.log.lines.find(({ level }) => level === "warn");
      assert.equal(failed?.fields?.database, broken.database.name);
      assert.equal(await left(broken.database), 20);
      await broken.database.sql`alter table gone rename to mortise_outbox`;
      await walks.at(600_001);
      await eventually(async () => (await left(broken.database)) === 0, 60_000);
    });

    it("removes nothing where rows are kept for ever", async () => {
      await using at = await holder(server, coordinatorHere());
      await settles(at.database, 10);
      const log = keptLog();
      const worker = pruning({
        databases: () => assert.fail("nothing is looked at"),
        ...{ coordinator: coordinatorHere, retentionMs: undefined, everyMs: 1, ports: systemPorts, log },
      });
      worker.start();
      worker.wake();
      await worker.stop();
      assert.deepEqual([await left(at.database), log.lines], [20, []]);
    });

    it("keeps what nobody can read, says so once, and comes through all the others each time", async () => {
      await using at = await holder(server, coordinatorHere());
      const { database } = at;
      await settles(database, 5_000);
      await database.sql`
        update mortise_fence set kept = '\\xff' where gid = (select gid from mortise_fence order by ctid limit 1)`;
      await using walks = pruner([database]);
      await walks.at(0);
      for (const round of [0, 1]) {
        await walks.at(700_000 + round * 7 * hourMs);
        await eventually(async () => (await left(database)) === 2, 60_000);
        await settles(database, 10);
      }
      await walks.at(700_000 + 14 * hourMs);
      await eventually(async () => (await left(database)) === 2, 60_000);
      const warned = walks.log.lines.filter(({ level }) => level === "warn");
      assert.deepEqual(
        warned.map(({ message, fields }) => [/cannot be read/.test(message), fields?.database, fields?.branch]),
        [[true, database.name, "b1"]],
      );
    });

    it("says of what another coordinator may know that it is kept", async () => {
      await using at = await holder(server, coordinatorHere());
      const gid = randomUUID();
      await at.drive(gid, "apply", "saga", randomUUID());
      await at.database.sql`update mortise_fence set created_at = created_at - interval '2 days'`;
      await using walks = pruner([at.database]);
      await walks.at(0);
      await walks.at(600_000);
      await eventually(() => walks.log.lines.length === 1);
      assert.deepEqual(walks.log.lines[0]?.fields, { database: at.database.name, branches: 1 });
      assert.equal(await left(at.database), 1);
    });
  },
);
