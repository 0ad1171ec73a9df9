import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import { background } from "../../call/call-context.ts";
import { codecOf } from "../../contract/index.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import { systemPorts } from "../../core/ports.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf, bankDatabase, bankOperations, bankPerformer, Movement } from "../../testing/bank.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { participant } from "./participant.ts";

const operations = bankOperations("Bank");

await onServer(
  "a participant on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    async function open(balance = 100n) {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: balance });
      await createFence(database.sql);
      const bank = participant(bankPerformer(operations, database), systemPorts);
      const drive = (gid: string, action: BranchAction, cents = 30n, operation = "take", branch = "b1") =>
        bank.drive(
          {
            gid,
            branch,
            action,
            strategy: "test",
            transaction: "test",
            steps: [{ step: "one", operation, version: 1, input: codecOf(Movement).encode({ account: "a", cents }) }],
          },
          background,
        );
      return {
        bank,
        database,
        drive,
        /** Asks again while somebody else is at it, as whoever drives does. */
        async insist(gid: string, action: BranchAction) {
          for (;;) {
            const reply = await drive(gid, action);
            if (reply.outcome !== "ongoing") return reply;
          }
        },
        account: () => accountOf(database, "a"),
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    const outcomes = async (...replies: Promise<DriveReply>[]) =>
      (await Promise.all(replies)).map(({ outcome }) => outcome);

    it("knows what it has applied, and says nothing of what it has only reserved, barred or not heard of", async () => {
      await using at = await open();
      const [applied, reserved, barred] = [randomUUID(), randomUUID(), randomUUID()];
      const first = await at.drive(applied, "apply");
      await at.drive(reserved, "reserve");
      await at.drive(barred, "cancel");
      const about = { branch: "b1", strategy: "test", transaction: "test", steps: [], action: "apply" };
      assert.deepEqual(await at.bank.applied({ ...about, gid: applied }), first);
      for (const gid of [reserved, barred, randomUUID()])
        assert.equal(await at.bank.applied({ ...about, gid }), undefined);
    });

    it("reserves and confirms once, however often it is asked, and gives the first result again", async () => {
      await using at = await open();
      const gid = randomUUID();
      const first = await at.drive(gid, "reserve");
      assert.equal(first.outcome, "done");
      assert.deepEqual(await at.drive(gid, "reserve"), first);
      assert.deepEqual(await at.account(), { balance: 70n, frozen: 30n, coming: 0n });
      assert.deepEqual(await outcomes(at.insist(gid, "confirm"), at.insist(gid, "confirm")), ["done", "done"]);
      assert.deepEqual(await at.account(), { balance: 70n, frozen: 0n, coming: 0n });
    });

    it("gives back what was reserved, and refuses a reserve that comes late", async () => {
      await using at = await open();
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      assert.deepEqual(await outcomes(at.insist(gid, "cancel"), at.insist(gid, "cancel")), ["done", "done"]);
      assert.equal((await at.drive(gid, "reserve")).outcome, "refused");
      const never = randomUUID();
      assert.equal((await at.drive(never, "cancel")).outcome, "done");
      for (let times = 0; times < 3; times++) assert.equal((await at.drive(never, "reserve")).outcome, "refused");
      assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
    });

    it("remembers a no, and takes it back without doing anything", async () => {
      await using at = await open(10n);
      const gid = randomUUID();
      const reply = await at.drive(gid, "reserve");
      assert.deepEqual([reply.outcome, reply.refusal?.reason], ["rejected", "TOO_LITTLE"]);
      await at.database.sql`update account set balance = 1000`;
      assert.equal((await at.drive(gid, "reserve")).outcome, "rejected");
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      assert.deepEqual(await at.account(), { balance: 1000n, frozen: 0n, coming: 0n });
    });

    it("never both confirms and cancels", async () => {
      await using at = await open();
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      const replies = await Promise.all([at.insist(gid, "confirm"), at.insist(gid, "cancel")]);
      assert.deepEqual(replies.map(({ outcome }) => outcome).sort(), ["done", "heuristic"]);
      const { balance, frozen } = await at.account();
      assert.equal(frozen, 0n);
      assert.ok(balance === 70n || balance === 100n);
    });

    it("lets reserve and cancel at the same moment end as if one had come first", async () => {
      await using at = await open();
      for (let round = 0; round < 20; round++) {
        const gid = randomUUID();
        await Promise.all([at.drive(gid, "reserve"), at.drive(gid, "cancel")]);
        await at.insist(gid, "cancel");
        assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
      }
    });

    it("applies as a whole and undoes it", async () => {
      await using at = await open();
      const gid = randomUUID();
      assert.equal((await at.drive(gid, "apply")).outcome, "done");
      assert.deepEqual(await at.account(), { balance: 70n, frozen: 0n, coming: 0n });
      assert.equal((await at.drive(gid, "undo")).outcome, "done");
      assert.deepEqual(await outcomes(at.drive(gid, "apply"), at.drive(gid, "peek")), ["refused", "refused"]);
      assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
    });

    it("says whether it could be done, and holds nothing", async () => {
      await using at = await open();
      assert.equal((await at.drive(randomUUID(), "check")).outcome, "done");
      assert.equal((await at.drive(randomUUID(), "check", 101n)).outcome, "rejected");
      assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
      assert.equal((await at.database.sql`select 1 from mortise_fence`).length, 0);
    });

    it("answers whether it could be done by what was done, which may be why it could not be again", async () => {
      await using at = await open();
      const [gone, none] = [randomUUID(), randomUUID()];
      for (const action of ["prepare", "commitPrepared"] as const)
        assert.equal((await at.drive(gone, action, 90n)).outcome, "done");
      const again = await at.drive(gone, "check", 90n);
      assert.deepEqual([again.outcome, again.results.length], ["done", 1]);
      await at.drive(none, "settle");
      assert.equal((await at.drive(none, "check", 90n)).outcome, "refused");
      assert.equal((await at.drive(randomUUID(), "check", 90n)).outcome, "rejected");
    });

    it("leaves a branch prepared, votes again, and commits it with its outputs", async () => {
      await using at = await open();
      const gid = randomUUID();
      assert.equal((await at.drive(gid, "prepare")).results.length, 1);
      assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
      assert.equal((await at.drive(gid, "prepare")).outcome, "done");
      assert.deepEqual((await at.bank.inspect(gid)).prepared, [`mortise:${gid}:b1`]);
      const committed = await at.drive(gid, "commitPrepared");
      assert.equal(committed.results.length, 1);
      assert.deepEqual(await at.drive(gid, "commitPrepared"), committed);
      assert.deepEqual(await at.account(), { balance: 70n, frozen: 0n, coming: 0n });
    });

    it("rolls a prepared branch back, and refuses to prepare it again", async () => {
      await using at = await open();
      const gid = randomUUID();
      await at.drive(gid, "prepare");
      assert.deepEqual(await outcomes(at.drive(gid, "rollbackPrepared")), ["done"]);
      assert.deepEqual(await outcomes(at.drive(gid, "rollbackPrepared")), ["done"]);
      assert.equal((await at.drive(gid, "prepare")).outcome, "refused");
      assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
    });

    it("notices that somebody ended a prepared branch by hand", async () => {
      await using at = await open();
      const gid = randomUUID();
      await at.drive(gid, "prepare");
      await at.database.sql.unsafe(`rollback prepared 'mortise:${gid}:b1'`);
      assert.equal((await at.drive(gid, "commitPrepared")).outcome, "heuristic");
      const other = randomUUID();
      await at.drive(other, "prepare");
      await at.database.sql.unsafe(`commit prepared 'mortise:${other}:b1'`);
      assert.equal((await at.drive(other, "rollbackPrepared")).outcome, "heuristic");
    });

    it("settles whether something came before it was asked", async () => {
      await using at = await open();
      const gid = randomUUID();
      const applied = await at.drive(gid, "apply");
      assert.deepEqual((await at.drive(gid, "settle")).results, applied.results);
      const never = randomUUID();
      assert.equal((await at.drive(never, "settle")).outcome, "refused");
      assert.equal((await at.drive(never, "apply")).outcome, "refused");
    });

    it("tells what is known of a transaction, and what its database allows", async () => {
      await using at = await open();
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      const { fence } = await at.bank.inspect(gid);
      assert.deepEqual(
        fence.map(({ branch, slot, kind, operations: done }) => [branch, slot, kind, done]),
        [["b1", "R", "reserve", "take@1"]],
      );
      const manifest = await at.bank.manifest();
      assert.ok(manifest.preparedTransactions > 0);
      assert.equal(manifest.defaultIsolation, "read committed");
    });

    it("refuses what is no transaction, branch, operation or action", async () => {
      await using at = await open();
      const invalid = { code: "INVALID_ARGUMENT" };
      await assert.rejects(at.drive("x'; drop table account; --", "prepare"), invalid);
      await assert.rejects(at.drive(randomUUID(), "reserve", 1n, "take", "b1'"), invalid);
      await assert.rejects(at.drive(randomUUID(), "jump" as BranchAction), invalid);
      await assert.rejects(at.drive(randomUUID(), "reserve", 1n, "steal"), { code: "UNIMPLEMENTED" });
    });

    it("does nothing of a branch whose answer cannot be kept", async () => {
      await using at = await open();
      await at.database.sql`alter table mortise_fence add constraint small check (octet_length(kept) < 5)`;
      const gid = randomUUID();
      await assert.rejects(at.drive(gid, "reserve"), /small/);
      assert.deepEqual(await at.account(), { balance: 100n, frozen: 0n, coming: 0n });
      assert.equal((await at.bank.inspect(gid)).fence.length, 0);
      await at.database.sql`alter table mortise_fence drop constraint small`;
      assert.equal((await at.drive(gid, "reserve")).outcome, "done");
      assert.deepEqual(await at.account(), { balance: 70n, frozen: 30n, coming: 0n });
    });

    it("keeps money whole under any sequence of requests", { timeout: 120_000 }, async () => {
      await using at = await open();
      const action = fc.constantFrom<BranchAction>(
        "reserve",
        "confirm",
        "cancel",
        "apply",
        "undo",
        "prepare",
        "commitPrepared",
        "rollbackPrepared",
        "settle",
      );
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 8 }), fc.boolean(), async (sequence, together) => {
          await at.database.sql`update account set balance = 100, frozen = 0`;
          const gid = randomUUID();
          const ask = (one: BranchAction) =>
            at.drive(gid, one).catch((error: unknown) => assert.match(String(error), /StatusError/));
          if (together) await Promise.all(sequence.map(ask));
          else for (const one of sequence) await ask(one);
          await at.database.sql.unsafe(`commit prepared 'mortise:${gid}:b1'`).catch(() => undefined);
          const { balance, frozen } = await at.account();
          assert.ok(
            [
              [100n, 0n],
              [70n, 30n],
              [70n, 0n],
            ].some(([left, held]) => left === balance && held === frozen),
            `${sequence.join()} gives ${balance} and ${frozen}`,
          );
          const kinds = (await at.bank.inspect(gid)).fence.map(({ kind }) => kind);
          assert.ok(!(kinds.includes("confirm") && kinds.includes("cancel")));
        }),
        { numRuns: 60 },
      );
    });
  },
);
