import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import { background } from "../../call/call-context.ts";
import { codecOf } from "../../contract/index.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import { systemPorts } from "../../core/ports.ts";
import type { LocalOperation, Performer } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf, bankDatabase, bankOperations, bankPerformer, Movement } from "../../testing/bank.ts";
import { keptLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { participant } from "./participant.ts";

const operations = bankOperations("Bank");
type Take = LocalOperation<(typeof operations)["operations"]["take"]>;

/** Cents no function of the bank can bear. */
const poison = 13n;

interface Asked {
  readonly gid: string;
  readonly action: BranchAction;
  readonly account: string;
  readonly cents: bigint;
}

/** Makes the bank fail on some inputs, alone and together; counts batches. */
function withPoison(performer: Performer, lanes: boolean, counted: { batches: number }): Performer {
  const take = performer.perform.take as unknown as Take;
  const bear = ({ cents }: { cents: bigint }) => assert.notEqual(cents, poison, "nobody can bear that");
  const alone: Partial<Take> = {
    reserve: async (tx, input, call) => {
      bear(input);
      return take.reserve(tx, input, call);
    },
  };
  const together: Partial<Take> = {
    reserveMany: async (tx, items, call) => {
      counted.batches++;
      const answers = await take.reserveMany?.(tx, items, call);
      for (const { input } of items) bear(input);
      return answers ?? [];
    },
  };
  const { reserveMany: _, confirmMany: __, cancelMany: ___, ...single } = take;
  const made = lanes ? { ...take, ...alone, ...together } : { ...single, ...alone };
  return { ...performer, perform: { ...performer.perform, take: made as never } };
}

const isOngoing = (reply: DriveReply | string): boolean => typeof reply !== "string" && reply.outcome === "ongoing";

/** Account `a` is locked by somebody else until they are told to let it go. */
async function lockedByOther({ sql }: Database): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const freed = Promise.withResolvers<void>();
  const holding = sql.begin(async (tx) => {
    await tx`select 1 from account where id = 'a' for update`;
    held.resolve();
    await freed.promise;
  });
  await held.promise;
  return async () => {
    freed.resolve();
    await holding;
  };
}

await onServer(
  "lanes on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** @param at called at the points of tcc */
    async function open(lanes: boolean, at?: (point: string, counted: { readonly batches: number }) => void) {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 100n, b: 100n });
      await createFence(database.sql);
      const counted = { batches: 0 };
      const log = keptLog();
      const bank = participant(withPoison(bankPerformer(operations, database), lanes, counted), {
        log,
        at: (point) => at?.(point, counted),
        timers: systemPorts.timers,
      });
      const ask = async ({ gid, action, account, cents }: Asked): Promise<DriveReply | string> => {
        const input = codecOf(Movement).encode({ account, cents });
        const steps = [{ step: "one", operation: "take", version: 1, input }];
        try {
          return await bank.drive(
            { gid, branch: "b1", action, strategy: at ? "tcc" : "test", transaction: "test", steps },
            background,
          );
        } catch (error) {
          return String(error);
        }
      };
      return {
        database,
        bank,
        log,
        ask,
        counted,
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    const rowsOf = async ({ sql }: Database, gids: readonly string[]) => ({
      accounts: [...(await sql`select * from account order by id`)],
      fence: [
        ...(await sql`
          select gid, slot::text as slot, kind, operations, strategy, kept from mortise_fence
          where gid = any(${gids as string[]}) order by gid, slot`),
      ],
    });

    it("answers and leaves the same as without lanes, whatever is asked at once", { timeout: 120_000 }, async () => {
      await using laned = await open(true);
      await using plain = await open(false);
      const which = fc.integer({ min: 0, max: 6 });
      const action = fc.constantFrom<BranchAction>("reserve", "reserve", "confirm", "cancel", "apply", "undo");
      const round = fc.tuple(action, fc.array(which, { minLength: 1, maxLength: 10 }));
      const cents = fc.array(fc.constantFrom(10n, 30n, 60n, 101n, poison), { minLength: 7, maxLength: 7 });
      await fc.assert(
        fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 5 }), cents, async (rounds, amounts) => {
          for (const { database } of [laned, plain])
            await database.sql`update account set balance = 100, frozen = 0, coming = 0`;
          const gids = amounts.map(() => randomUUID());
          for (const [action, members] of rounds) {
            const asked = members.map((i) => ({
              gid: gids[i] as string,
              action,
              account: i % 2 === 0 ? "a" : "b",
              cents: amounts[i] as bigint,
            }));
            const together = await Promise.all(asked.map(laned.ask));
            fc.pre(!together.some(isOngoing)); // the database stood still for longer than a lock is waited for
            const alone: (DriveReply | string)[] = [];
            for (const one of asked) alone.push(await plain.ask(one));
            assert.deepEqual(together, alone, `${action} of ${members.join()}`);
          }
          assert.deepEqual(await rowsOf(laned.database, gids), await rowsOf(plain.database, gids));
        }),
        { numRuns: 40, includeErrorInReport: true },
      );
      assert.ok(laned.counted.batches > 0);
    });

    it("takes what contends for one row through the database together", async () => {
      await using at = await open(true);
      const all = Array.from({ length: 50 }, () => ({ gid: randomUUID(), account: "a", cents: 1n }));
      const drive = (action: BranchAction) => Promise.all(all.map((one) => at.ask({ ...one, action })));
      for (const reply of await drive("reserve")) assert.equal((reply as DriveReply).outcome, "done");
      assert.ok(at.counted.batches <= 2, `${at.counted.batches} batches`);
      assert.deepEqual(await accountOf(at.database, "a"), { balance: 50n, frozen: 50n, coming: 0n });
      const reservers = await at.database.sql`select distinct xmin::text from mortise_fence`;
      assert.ok(reservers.length <= 2, `${reservers.length} database transactions`);
      for (const reply of await drive("confirm")) assert.equal((reply as DriveReply).outcome, "done");
      assert.deepEqual(await accountOf(at.database, "a"), { balance: 50n, frozen: 0n, coming: 0n });
      const writers = await at.database.sql`select distinct xmin::text from mortise_fence where slot = 'F'`;
      assert.ok(writers.length <= 2, `${writers.length} database transactions`);
    });

    it("lets one that cannot be borne fail alone", async () => {
      await using at = await open(true);
      const asked = [1n, poison, 2n].map(
        (cents) => ({ gid: randomUUID(), account: "a", cents, action: "reserve" }) as const,
      );
      const replies = await Promise.all(asked.map(at.ask));
      assert.deepEqual(
        replies.map((reply) => (typeof reply === "string" ? "failed" : reply.outcome)),
        ["done", "failed", "done"],
      );
      assert.deepEqual(await accountOf(at.database, "a"), { balance: 97n, frozen: 3n, coming: 0n });
    });

    it("says once why branches cannot be done together, and counts it every time", async () => {
      await using at = await open(true);
      const round = () =>
        [1n, poison, 2n].map((cents) => ({ gid: randomUUID(), account: "b", cents, action: "reserve" }) as const);
      for (const asked of [round(), round()]) await Promise.all(asked.map(at.ask));
      const good = Array.from(
        { length: 3 },
        () => ({ gid: randomUUID(), account: "b", cents: 1n, action: "reserve" }) as const,
      );
      await Promise.all(good.map(at.ask));
      const [numbers] = at.bank.batches();
      assert.deepEqual([numbers?.participant, numbers?.operation, numbers?.failed], ["test.bank.v1.Bank", "take", 2]);
      assert.ok((numbers?.batches ?? 0) >= 3);
      const said = at.log.lines.filter(({ level }) => level === "warn");
      assert.deepEqual(
        said.map(({ fields }) => [
          fields?.operation,
          fields?.action,
          /nobody can bear that/.test(String(fields?.reason)),
        ]),
        [["take", "reserve", true]],
      );
      assert.deepEqual(await accountOf(at.database, "b"), { balance: 91n, frozen: 9n, coming: 0n });
    });

    it("does each once after a batch whose answer is lost", async () => {
      let lost = false;
      await using at = await open(true, (point, { batches }) => {
        if (point !== "T3" || batches === 0 || lost) return;
        lost = true; // committed, and nobody is told
        throw new Error("the answer of a batch is lost");
      });
      const asked = Array.from(
        { length: 5 },
        () => ({ gid: randomUUID(), account: "a", cents: 1n, action: "reserve" }) as const,
      );
      const replies = await Promise.all(asked.map(at.ask));
      for (const reply of replies) assert.equal((reply as DriveReply).outcome, "done");
      assert.equal(at.bank.batches()[0]?.failed, 1);
      assert.deepEqual(await accountOf(at.database, "a"), { balance: 95n, frozen: 5n, coming: 0n });
    });

    it("lets one that cannot be borne fail alone among those that wait for a lock", { timeout: 120_000 }, async () => {
      await using at = await open(true);
      const free = await lockedByOther(at.database);
      const asked = [1n, poison, 2n].map(
        (cents) => ({ gid: randomUUID(), account: "a", cents, action: "reserve" }) as const,
      );
      const replies = await Promise.all(asked.map(at.ask));
      assert.deepEqual(
        replies.map((reply) => (typeof reply === "string" ? "failed" : reply.outcome)),
        ["ongoing", "failed", "ongoing"],
      );
      assert.equal(at.bank.batches()[0]?.failed, 1);
      assert.deepEqual(
        at.log.lines.map(({ level, message, fields }) => [
          level,
          message,
          /nobody can bear/.test(String(fields?.reason)),
        ]),
        [["error", "a branch failed", true]],
      );
      await free();
      for (const one of asked.filter(({ cents }) => cents !== poison))
        assert.equal(((await at.ask(one)) as DriveReply).outcome, "done");
      assert.deepEqual(await accountOf(at.database, "a"), { balance: 97n, frozen: 3n, coming: 0n });
    });

    it("does not let those wait in line whose lock somebody else holds", { timeout: 120_000 }, async () => {
      await using at = await open(true);
      const free = await lockedByOther(at.database);
      const asked = Array.from(
        { length: 4 },
        () => ({ gid: randomUUID(), account: "a", cents: 1n, action: "reserve" }) as const,
      );
      const replies = await Promise.all(asked.map(at.ask));
      for (const reply of replies) assert.equal((reply as DriveReply).outcome, "ongoing");
      await free();
      for (const one of asked) assert.equal(((await at.ask(one)) as DriveReply).outcome, "done");
    });
  },
);
