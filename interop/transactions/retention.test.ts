import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { callContext } from "@mortise/kernel";
import { codecOf, participantService } from "@mortise/kernel/contract";
import { banks, Desk, eventually, Movement, onServer, postgresServer } from "@mortise/kernel/testing";
import { type BankApp, bankApp } from "./bank.fixture.ts";

const order = { transaction: "pay", key: "", from: "alice", to: "bob", cents: 100n, sponsor: "carol", settled: true };
const databases = ["own_bank", "second_bank", "third_bank"] as const;

/** Fences forget after ten days, and are gone through all the time; nothing that is held is swept. */
const forgetful = {
  "transactions/runtime": {
    ...{ leaseMs: 3_000, recoverEveryMs: 100, relayEveryMs: 100, sweepEveryMs: 3_600_000, orphanAfterMs: 3_600_000 },
    ...{ fenceRetentionDays: 10, pruneEveryMs: 50 },
  },
};

/** What is left in the databases of an app. */
function books(app: BankApp) {
  const sqlOf = async (name: string) => (await app.store().database(name)).sql;
  const everywhere = async <T>(work: (sql: Awaited<ReturnType<typeof sqlOf>>) => Promise<readonly T[]>) =>
    (await Promise.all(databases.map(async (name) => work(await sqlOf(name))))).flat();
  return {
    /** Transactions whose branches are in a fence. */
    known: async () =>
      new Set((await everywhere((sql) => sql<{ gid: string }[]>`select gid from mortise_fence`)).map(({ gid }) => gid)),
    quiet: async () => {
      const open = await (await sqlOf(
        "mortise_transactions",
      ))`select 1 from mortise_transaction where ended_at is null`;
      const waiting = await everywhere((sql) => sql`select 1 from mortise_outbox`);
      return open.length + waiting.length === 0;
    },
    /** Lets days pass for all that is in fences. */
    pass: (days: number) =>
      everywhere((sql) => sql`update mortise_fence set created_at = created_at - ${days} * interval '1 day'`),
    /** Branches whose rows do not say who keeps their transaction. */
    ofNobody: async () => {
      const [row] = await (await sqlOf("mortise_transactions"))<{ id: string }[]>`
        select id::text as id from mortise_transaction_identity`;
      return everywhere(
        (sql) => sql`
          select kind, strategy from mortise_fence
          where slot = 'R' and position(convert_to(${row?.id ?? ""}::text, 'UTF8') in coalesce(kept, '')) = 0`,
      );
    },
    /** Lets days pass for what the coordinator keeps of one. */
    passFor: async (gid: string, days: number) =>
      (await sqlOf("mortise_transactions"))`
        update mortise_transaction set ended_at = ended_at - ${days} * interval '1 day' where gid = ${gid}`,
    recorded: async (gid: string) =>
      (await (await sqlOf("mortise_transactions"))`select 1 from mortise_transaction where gid = ${gid}`).length > 0,
    /** What the coordinator does with records that ended long ago, but for one of them. */
    forgetRecords: async (but: string) =>
      (await sqlOf("mortise_transactions"))`delete from mortise_transaction where gid <> ${but}`,
  };
}

/** One branch at the own bank that takes an amount from alice. */
function branch(gid: string, action: string) {
  const step = { step: "take", operation: "take", version: 1 };
  const input = codecOf(Movement).encode({ account: "alice", cents: 7n });
  return { gid, branch: "b1", action, strategy: "tcc", transaction: "pay", steps: [{ ...step, input }] };
}

await onServer(
  "fences of three banks",
  () => postgresServer({ ours: true }),
  (server) => {
    it("forget what ended long ago under any strategy, before its record is gone, and nothing that is held", async () => {
      await using app = await bankApp({ server, strategy: "tcc", prefix: "r_", options: forgetful });
      const { known, quiet, pass, passFor, ofNobody, recorded: isRecorded, forgetRecords } = books(app);
      const desk = app.clients.client(Desk);
      const own = app.clients.client(participantService(banks.own.name));
      const drive = async (gid: string, action: string) =>
        (await own.drive(branch(gid, action), callContext())).outcome;

      const run = (more: Partial<typeof order> = {}) => desk.run({ ...order, ...more });
      await run({ transaction: "move" });
      for (const strategy of ["xa", "3pc", "tcc", "saga", "outbox", "message", "best-effort"]) {
        await app.strategy(strategy);
        await run();
        assert.equal((await run({ cents: 50_000n })).status, "aborted");
      }
      await app.strategy("tcc");
      const { gid: recorded } = await run();
      await eventually(quiet, 60_000);
      assert.deepEqual(await ofNobody(), []);
      const [held, barred, done] = [randomUUID(), randomUUID(), randomUUID()];
      assert.equal(await drive(held, "reserve"), "done");
      assert.equal(await drive(barred, "cancel"), "done");
      for (const action of ["reserve", "confirm"]) assert.equal(await drive(done, action), "done");
      await eventually(quiet, 60_000);
      const before = await app.balance("own_bank", "alice");
      const all = await known();
      assert.ok(all.size > 10, `${all.size} transactions`);

      await pass(9); // within the retention, and with no record of these at all
      await forgetRecords(recorded);
      assert.equal(await drive(barred, "reserve"), "refused");
      assert.equal(await drive(done, "reserve"), "done");
      assert.equal(await app.balance("own_bank", "alice"), before, "a repetition changes nothing");
      assert.deepEqual(await known(), all);

      await pass(2);
      await eventually(async () => (await known()).size === 2, 60_000);
      assert.deepEqual(await known(), new Set([held, recorded]));
      assert.equal(await drive(held, "cancel"), "done");
      await pass(11);
      await eventually(async () => (await known()).size === 1, 60_000);
      assert.deepEqual(await known(), new Set([recorded]));
      await passFor(recorded, 11);
      await eventually(async () => (await known()).size === 0, 60_000);
      assert.ok(await isRecorded(recorded));
      assert.equal(await app.balance("own_bank", "alice"), before + 7n);
    });
  },
);
