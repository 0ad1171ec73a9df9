import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { eventually, natsServer, postgresServer, type TestPostgres } from "@mortise/kernel/testing";
import postgres from "postgres";
import { startWorld, type World } from "../world/world.ts";
import { allInitiatorsDie } from "./injections-inquiry.ts";
import { play } from "./scene.ts";

const nats = await natsServer({ ours: true });
const settings = { synchronous_commit: "on" };
const [here, there] = await Promise.all([
  postgresServer({ ours: true, settings }),
  postgresServer({ ours: true, settings }),
]);
/** A deadline no busy machine passes. */
const patient = { deadlineMs: 100_000 };
const banks = ["second", "third", "fourth"] as const;

async function databasesOf({ url }: TestPostgres): Promise<readonly string[]> {
  const sql = postgres(url, { max: 1 });
  const rows = await sql<{ name: string }[]>`select datname as name from pg_database`;
  await sql.end();
  return rows.map(({ name }) => name);
}

describe("participants on a server of their own", () => {
  after(() => Promise.all([here.stop(), there.stop(), nats.stop()]));

  describe("that are told where decisions are kept", () => {
    let world: World;
    const opened = startWorld({
      ...{ postgres: here, nats, prefix: "told_", policy: { strategy: "xa" } },
      elsewhere: { postgres: there, banks },
    });
    it("take part, and keep no coordinator themselves", async () => {
      world = await opened;
      await play(world, async (scene) => {
        for (const strategy of ["xa", "3pc", "tcc", "saga"]) {
          await scene.policy({ strategy, ...patient });
          assert.equal((await scene.run({ timeoutMs: 120_000 })).status, "committed");
        }
        await scene.whole();
      });
      assert.deepEqual(
        [(await databasesOf(here)).includes("told_mortise_transactions"), await databasesOf(there)].map(String),
        ["true", String((await databasesOf(there)).filter((name) => !name.includes("transactions")))],
      );
    });

    it("ask the right one when all who begin transactions are gone", () =>
      play(world, async (scene) => {
        for (const [strategy, voted] of [
          ["3pc", "P3"],
          ["tcc", "T7"],
        ] as const)
          await allInitiatorsDie(strategy, voted)(scene);
      }));

    it("commit by themselves what is decided when all who begin transactions are gone", () =>
      play(world, async (scene) => {
        await scene.policy({ strategy: "xa", ...patient });
        await scene.arm("own1", "X7=hold");
        const lost = assert.rejects(scene.run({ timeoutMs: 120_000 }));
        await scene.held("own1", "X7");
        const owns = [world.process("own1"), world.process("own2")];
        for (const one of owns) one.signal("SIGKILL");
        await Promise.all([lost, ...owns.map(({ gone }) => gone)]);
        const [row] = await world.books.coordinator<{ gid: string }[]>`
          select gid::text from mortise_transaction where status = 'committing'`;
        assert.ok(row);
        const confirmed = () => world.books.sql("second")`
          select 1 from ledger where gid = ${row.gid} and act = 'confirm'`;
        await eventually(async () => (await confirmed()).length === 1, 60_000);
        await Promise.all([world.restart("own1"), world.restart("own2")]);
        assert.equal((await scene.whole()).get(row.gid), "committed");
      }));

    after(() => world[Symbol.asyncDispose]());
  });

  it("that ask a coordinator of their own are found out before they hold anything", async () => {
    await using world = await startWorld({
      ...{ postgres: here, nats, prefix: "strange_", policy: { strategy: "tcc" } },
      elsewhere: { postgres: there, banks: ["fourth"], strangers: true },
    });
    await play(world, async (scene) => {
      for (const strategy of ["xa", "3pc", "tcc"]) {
        await scene.policy({ strategy, ...patient });
        // Before the begin, or at the first branch where it was too busy to answer before.
        const told = await scene.run({ timeoutMs: 60_000 }).catch((error: Error) => ({ reason: error.message }));
        assert.match(told.reason, /DTX021/);
      }
      await scene.policy({ strategy: "saga" }); // nobody has to ask about what a saga has done
      const { gid } = await scene.run({ timeoutMs: 120_000 });
      assert.equal((await scene.whole()).get(gid), "committed");
    });
  });
});
