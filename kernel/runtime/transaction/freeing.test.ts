import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { codecOf, participantService } from "../../contract/index.ts";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import { type Coordinator, coordinator } from "../../spi/coordinator.ts";
import { store } from "../../spi/store.ts";
import { accountOf, bankDatabase, Movement } from "../../testing/bank.ts";
import { banks, secondBank } from "../../testing/bank-app.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { given, testApp } from "../../testing/test-app.ts";
import { preparingStrategy } from "../../testing/test-strategies.ts";
import { coordinatorHere } from "./sweep.fixture.ts";

await onServer(
  "a service that needs rows at its start which wait prepared, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    const participant = banks.second.name;

    /** An app of one bank whose setup inserts its account unless that is there, and what processes of it share. */
    async function bank() {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { bob: 100n });
      const start = (asked: Coordinator, orphanAfterMs = 60_000) =>
        testApp({
          plugins: [
            given(store, "test", { database: async () => database }),
            given(coordinator, "test", asked),
            preparingStrategy,
            secondBank({ bob: 100n }),
          ],
          use: { store: "test", coordinator: "test", transaction: ["preparing"] },
          options: { "transactions/runtime": { orphanAfterMs } },
        });
      return {
        start,
        balance: async () => (await accountOf(database, "bob")).balance,
        waiting: () => database.sql`select pg_locks.pid from pg_locks join pg_stat_activity using (pid)
          where not granted and datname = current_database()`,
        /** Leaves 30 cents for bob as a process does that dies. */
        async left(asked: Coordinator, gid: string) {
          await using app = await start(asked);
          const step = { step: "put", operation: "put", version: 1 };
          const input = codecOf(Movement).encode({ account: "bob", cents: 30n });
          await app.clients.client(participantService(participant)).drive({
            ...{ gid, branch: "b1", action: "prepare", strategy: "preparing", transaction: "pay" },
            ...{ steps: [{ ...step, input }], coordinator: asked.identity },
          });
        },
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    async function begun(asked: Coordinator, deadlineMs?: number): Promise<string> {
      const branch = { after: [], pivot: false, afterCommit: false, droppable: false, external: false };
      const steps = [{ step: "put", operation: "put", version: 1 }];
      const branches = [{ ...branch, id: "b1", participant, steps }];
      const sample = sampleTransaction({ strategy: "preparing", branches, deadlineMs });
      await asked.begin(sample, "somebody", 60_000);
      return sample.gid;
    }

    for (const [decision, balance] of [
      ["committing", 130n],
      ["aborting", 100n],
    ] as const)
      it(`has it ended as it was decided (${decision})`, async () => {
        await using at = await bank();
        const asked = coordinatorHere();
        const gid = await begun(asked);
        await at.left(asked, gid);
        await asked.decide(gid, decision, {});
        await using _ = await at.start(asked);
        assert.equal(await at.balance(), balance);
      });

    it("has aborted what nobody has decided in time", async () => {
      await using at = await bank();
      const asked = coordinatorHere();
      const gid = await begun(asked, 1);
      await at.left(asked, gid);
      await using _ = await at.start(asked);
      assert.equal(await at.balance(), 100n);
      assert.equal((await asked.get(gid))?.abort?.reason, "DEADLINE");
    });

    it("waits for a decision that may still come, and goes on when it has", async () => {
      await using at = await bank();
      const asked = coordinatorHere();
      const gid = await begun(asked);
      await at.left(asked, gid);
      const starting = at.start(asked);
      await eventually(async () => (await at.waiting()).length > 0);
      assert.equal(await asked.decide(gid, "committing", {}), "committing");
      await using _ = await starting;
      assert.equal(await at.balance(), 130n);
    });

    it("has aborted what was never begun once it is old, and not before", async () => {
      await using at = await bank();
      const asked = coordinatorHere();
      const gid = randomUUID();
      await at.left(asked, gid);
      const starting = at.start(asked);
      await eventually(async () => (await at.waiting()).length > 0);
      assert.equal(await asked.get(gid), undefined);
      await using _ = await at.start(asked, 1);
      await using __ = await starting;
      assert.equal(await at.balance(), 100n);
    });

    it("leaves alone what another coordinator keeps", async () => {
      await using at = await bank();
      const [asked, other] = [coordinatorHere(), coordinatorHere()];
      const gid = await begun(asked);
      await at.left(asked, gid);
      const starting = at.start(other, 1);
      await eventually(async () => (await at.waiting()).length > 0);
      assert.equal(await other.get(gid), undefined);
      await asked.decide(gid, "committing", {});
      await using _ = await at.start(asked);
      await using __ = await starting;
      assert.equal(await at.balance(), 130n);
    });
  },
);
