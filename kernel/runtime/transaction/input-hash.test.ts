import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { codecOf } from "../../contract/index.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import { systemPorts } from "../../core/ports.ts";
import { accountOf, bankDatabase, bankOperations, bankPerformer, Movement } from "../../testing/bank.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { compared } from "./input-hash.ts";
import { done } from "./kept.ts";
import { participant } from "./participant.ts";

const hashOf = (cents: bigint) => new Uint8Array([Number(cents % 251n)]);

await onServer(
  "a branch under a key, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    async function open() {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 1_000n });
      await createFence(database.sql);
      const bank = participant(bankPerformer(bankOperations("Bank"), database), { timers: systemPorts.timers });
      /** Asks as a process does, again while somebody is at it. */
      async function ask(gid: string, cents: bigint): Promise<DriveReply> {
        const steps = [
          { step: "one", operation: "take", version: 1, input: codecOf(Movement).encode({ account: "a", cents }) },
        ];
        const about = { gid, branch: "b1", action: "apply", strategy: "local", transaction: "t", steps };
        for (;;) {
          const reply = await bank.drive({ ...about, inputHash: hashOf(cents) }, background);
          if (reply.outcome !== "ongoing") return reply;
        }
      }
      return {
        ask,
        balance: async () => (await accountOf(database, "a")).balance,
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    it("is done with one input, and whoever asked with another is told which, also in one batch", async () => {
      await using at = await open();
      let taken = 0n;
      const gids = Array.from({ length: 24 }, () => randomUUID());
      const pairs = gids.map((gid) => Promise.all([at.ask(gid, 1n), at.ask(gid, 2n)]));
      for (const [one, two] of await Promise.all(pairs)) {
        const won = one.inputHash === undefined ? 1n : 2n;
        const [first, second] = won === 1n ? [one, two] : [two, one];
        assert.deepEqual([first.outcome, first.inputHash], ["done", undefined]);
        assert.deepEqual([second.outcome, second.inputHash], ["done", hashOf(won)]);
        taken += won;
      }
      assert.equal(await at.balance(), 1_000n - taken);
    });

    it("is done for one of those who ask the same, and the others are told that it was done before", async () => {
      await using at = await open();
      const gids = Array.from({ length: 24 }, () => randomUUID());
      for (const all of await Promise.all(gids.map((gid) => Promise.all([1, 2, 3].map(() => at.ask(gid, 1n)))))) {
        assert.deepEqual(new Set(all.map(({ outcome }) => outcome)), new Set(["done"]));
        assert.equal(all.filter(({ inputHash }) => inputHash === undefined).length, 1);
      }
      assert.equal(await at.balance(), 1_000n - 24n);
    });

    it("that was refused tells as well with which input", async () => {
      await using at = await open();
      const [alone, ...others] = Array.from({ length: 8 }, () => randomUUID());
      const first = [
        await at.ask(alone ?? "", 5_000n),
        ...(await Promise.all(others.map((gid) => at.ask(gid, 5_000n)))),
      ];
      const again = await Promise.all([alone ?? "", ...others].map((gid) => at.ask(gid, 1n)));
      for (const reply of first) assert.deepEqual([reply.refusal?.reason, reply.inputHash], ["TOO_LITTLE", undefined]);
      for (const reply of again)
        assert.deepEqual([reply.refusal?.reason, reply.inputHash], ["TOO_LITTLE", hashOf(5_000n)]);
    });
  },
);

it("an answer counts that says nothing of its input, or is compared with nothing, and no other than its own", () => {
  const reply = done([], "", hashOf(1n));
  assert.equal(compared(reply, undefined, "pay"), reply);
  assert.equal(compared(reply, hashOf(1n), "pay"), reply);
  const old = done();
  assert.equal(compared(old, hashOf(1n), "pay"), old);
  assert.equal(compared(reply, hashOf(2n), "pay").refusal?.reason, "KEY_REUSED");
});
