import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { builtInStrategies } from "../../contract/index.ts";
import { definePlugin } from "../../core/plugin.ts";
import { inTwoPhases } from "../../spi/driving.ts";
import { transaction } from "../../spi/transaction.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer, type TestPostgres } from "../../testing/postgres-server.ts";
import { type StrategyWorld, strategyWorld } from "../../testing/strategy-world.ts";
import { inTransaction, prepareAs } from "./in-transaction.ts";
import { vault } from "./vault.fixture.ts";

const points = { unbegun: "1", begun: "2", voted: "3", deciding: "4", decided: "5" } as const;
const phases = { first: "prepare", commit: "commitPrepared", abort: "rollbackPrepared", points } as const;

/** Two phases over prepared transactions, with a deadline. */
function preparing(defaultDeadlineMs: number) {
  const facts = { ...builtInStrategies.xa, defaultDeadlineMs };
  const setup = () => ({ api: inTwoPhases(facts, phases) });
  return definePlugin({ spi: transaction, name: "preparing", description: "Of a test", facts, setup });
}

const serverOf = (max: number) => () => postgresServer({ settings: { max_prepared_transactions: String(max) } });

/** Leaves a transaction of somebody else's prepared; its end frees its place. */
async function another(world: StrategyWorld): Promise<() => Promise<unknown>> {
  const database = await world.database(0);
  await inTransaction(database, async (tx) => prepareAs(tx, "others"));
  return () => database.sql.unsafe("rollback prepared 'others'");
}

const waiting = async (world: StrategyWorld) => {
  const { sql } = await world.database(0);
  return Number((await sql`select count(*) as count from pg_prepared_xacts`)[0]?.count);
};

await onServer(
  "a server that prepares fewer branches than one transaction has",
  serverOf(2),
  (server: TestPostgres) => {
    it("lets nothing begin, and says what to raise", async () => {
      await using world = await strategyWorld(server, preparing(600_000));
      await assert.rejects(world.run("collect"), {
        code: "FAILED_PRECONDITION",
        reason: "DTX008",
        message:
          /'test\.bank\.v1\.Own', 'test\.bank\.v1\.Second' and 'test\.bank\.v1\.Third' prepares 2 transactions, fewer than the 3 branches of one\. Raise `max_prepared_transactions`/,
      });
    });
  },
);

await onServer(
  "a server that prepares as many branches as one transaction has",
  serverOf(3),
  (server: TestPostgres) => {
    it("lets a transaction wait for its place among others", { timeout: 120_000 }, async () => {
      await using world = await strategyWorld(server, preparing(600_000));
      const leave = await another(world);
      const running = world.run("collect");
      await eventually(async () => (await waiting(world)) === 3, 60_000);
      await leave();
      assert.equal((await running).status, "committed");
      await world.settled();
    });

    it("has what finds no place until its deadline aborted", { timeout: 120_000 }, async () => {
      await using world = await strategyWorld(server, preparing(2_000));
      const leave = await another(world);
      const { status, reason } = await world.run("collect");
      assert.deepEqual([status, reason], ["aborted", "DEADLINE"]);
      await leave();
      await world.settled();
      assert.equal(await world.balance(0, "alice"), 1_000n);
    });

    it("is asked again for what finds no place, and told what to raise", async () => {
      await using at = await vault(server, "functions");
      await using other = await vault(server, "statements");
      const of = (gid: string, account: string) => ({ gid, account, action: "prepare" as const });
      const gids = Array.from({ length: 3 }, () => randomUUID());
      for (const [n, gid] of gids.entries())
        assert.equal((await (n < 2 ? at : other).drive(of(gid, n === 1 ? "b" : "a"))).outcome, "done");
      for (const [one, account] of [
        [at, "c"],
        [other, "b"],
      ] as const) {
        const { outcome, note } = await one.drive({ ...of(randomUUID(), account), operation: "open" });
        assert.equal(outcome, "ongoing");
        assert.match(note, /^the database server is full: .*max_prepared_transactions"? \(currently 3\)/);
      }
      for (const [n, gid] of gids.entries()) await (n < 2 ? at : other).drive({ gid, action: "rollbackPrepared" });
      const late = of(randomUUID(), "b");
      assert.equal((await other.drive(late)).outcome, "done");
      await other.drive({ ...late, action: "rollbackPrepared" });
    });
  },
);

await onServer("a server that prepares nothing", serverOf(0), (server: TestPostgres) => {
  it("is no bug of an operation", async () => {
    for (const form of ["functions", "statements"] as const) {
      await using at = await vault(server, form);
      const refused = { code: "FAILED_PRECONDITION", reason: "DTX008", message: /^DTX008: .* Raise `max_prepared/ };
      await assert.rejects(at.drive({ gid: randomUUID(), action: "prepare" }), refused);
    }
  });
});
