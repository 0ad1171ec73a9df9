import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { codecOf, Empty, int64, message, operation, operations, string, transaction } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import { systemPorts } from "../../core/ports.ts";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import type { Performer } from "../../spi/perform.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf, Balance, type BankOperations, bankDatabase, bankPerformer, Movement } from "../../testing/bank.ts";
import { keptLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { transactionProblems } from "./honesty.ts";
import { participant } from "./participant.ts";
import { sweep } from "./sweep.ts";

/** What the second version takes: all the first did, and a note. */
const NotedMovement = message("test.bank.v1.NotedMovement", { account: string(1), cents: int64(2), note: string(3) });

interface Contract {
  readonly version: number;
  readonly accepts?: number;
}

function bankOf({ version, accepts = 1 }: Contract) {
  const facts = { rejects: ["TOO_LITTLE", "NO_ACCOUNT"], undo: true, version, accepts } as const;
  return operations("test.bank.v1.Bank", {
    take: operation(version > 1 ? NotedMovement : Movement, Balance, facts),
    put: operation(Movement, Empty, { undo: true, version, accepts }),
  });
}

/** How each strategy begins a branch, makes it final, and takes it back. */
const ways = {
  tcc: ["reserve", "confirm", "cancel"],
  saga: ["apply", "settle", "undo"],
  xa: ["prepare", "commitPrepared", "rollbackPrepared"],
} as const satisfies Partial<Record<keyof typeof builtInStrategies, readonly BranchAction[]>>;
const strategies = Object.entries(ways);
const holding = strategies.filter(([strategy]) => strategy !== "saga");

const tooOld = /^test\.bank\.v1\.Bank cannot (\w+) take@2: it has only version 1 of it\. Roll participants out before/;

await onServer(
  "versions of an operation on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A database with processes of several versions of the participant it belongs to. */
    async function open() {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 100n, b: 100n });
      await createFence(database.sql);
      const process = (contract: Contract) => {
        const performer: Performer = {
          ...bankPerformer(bankOf({ version: 1 }) as unknown as BankOperations, database),
          operations: bankOf(contract) as unknown as Performer["operations"],
        };
        const host = participant(performer, { timers: systemPorts.timers });
        const drive = (gid: string, action: BranchAction, version: number, name = "take", account = "a") => {
          const input = codecOf(Movement).encode({ account, cents: 30n });
          const step = { step: "one", operation: name, version, input };
          const about = { gid, branch: "b1", action, strategy: "test", transaction: "test", steps: [step] };
          return host.drive(about, background);
        };
        return { host, drive };
      };
      return {
        database,
        process,
        account: (name = "a") => accountOf(database, name),
        waiting: async () => (await process({ version: 1 }).host.prepared.waiting()).length,
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    const whole = { balance: 100n, frozen: 0n, coming: 0n };
    const taken = { balance: 70n, frozen: 0n, coming: 0n };

    for (const [strategy, [begin, final, back]] of strategies) {
      it(`newer ones end what older ones began (${strategy})`, async () => {
        await using at = await open();
        const [older, newer] = [at.process({ version: 1 }), at.process({ version: 3, accepts: 3 })];
        const [made, unmade] = [randomUUID(), randomUUID()];
        assert.equal((await older.drive(made, begin, 1)).outcome, "done");
        const { outcome, results } = await newer.drive(made, final, 1);
        assert.deepEqual([outcome, results.length], ["done", 1]);
        assert.deepEqual(await at.account(), taken);
        assert.equal((await older.drive(unmade, begin, 1)).outcome, "done");
        assert.equal((await newer.drive(unmade, back, 1)).outcome, "done");
        assert.deepEqual(await at.account(), taken);
        assert.equal(await at.waiting(), 0);
      });

      it(`newer ones begin what older ones are asked for, and these end it (${strategy})`, async () => {
        await using at = await open();
        const [older, newer] = [at.process({ version: 1 }), at.process({ version: 2 })];
        const gid = randomUUID();
        assert.equal((await newer.drive(gid, begin, 1)).outcome, "done");
        assert.equal((await older.drive(gid, begin, 1)).outcome, "done");
        assert.equal((await older.drive(gid, back, 1)).outcome, "done");
        assert.deepEqual(await at.account(), whole);
      });

      it(`older ones refuse what newer ones are asked for, and say what to do (${strategy})`, async () => {
        await using at = await open();
        const older = at.process({ version: 1 });
        const gid = randomUUID();
        const refused = { code: "UNIMPLEMENTED", reason: "NO_SUCH_OPERATION", message: tooOld };
        await assert.rejects(older.drive(gid, begin, 2), refused);
        assert.equal((await older.drive(gid, back, 2)).outcome, "done", "whoever was refused can abort");
        assert.equal((await at.process({ version: 2 }).drive(gid, begin, 2)).outcome, "refused");
        assert.deepEqual(await at.account(), whole);
      });
    }

    for (const [strategy, [begin]] of holding) {
      it(`the sweep of a newer one ends what an older one began (${strategy})`, async () => {
        await using at = await open();
        const [older, newer] = [at.process({ version: 1 }), at.process({ version: 2, accepts: 2 })];
        const coordinator = keptCoordinator(
          { records: new Map(), ended: [], audits: [], now: () => Date.now() },
          1_000,
        );
        const committed = sampleTransaction({ strategy });
        await coordinator.begin(committed, "somebody", 60_000);
        await coordinator.decide(committed.gid, "committing", {});
        await older.drive(committed.gid, begin, 1);
        await older.drive(randomUUID(), begin, 1, "take", "b"); // which nobody has begun
        const sweeper = {
          coordinator: () => coordinator,
          factsOf: (name: string) => ({ tcc: builtInStrategies.tcc, xa: builtInStrategies.xa })[name],
          ask: (_: string, request: Parameters<typeof newer.host.drive>[0]) => newer.host.drive(request, background),
          log: keptLog(),
          at: () => undefined,
          ...{ told: new Set<string>(), watched: new WeakMap(), clock: systemPorts.clock, driveTimeoutMs: 60_000 },
        };
        const swept = await sweep(newer.host, sweeper, { reportOnly: false, olderThanMs: 0 }, background);
        assert.deepEqual([swept.ended, swept.failed], [2, []]);
        assert.deepEqual([await at.account(), await at.account("b"), await at.waiting()], [taken, whole, 0]);
      });
    }

    it("are kept of each branch, also of those that are done together", async () => {
      await using at = await open();
      const newer = at.process({ version: 2 });
      const asked = Array.from({ length: 8 }, (_, n) => ({ gid: randomUUID(), version: 1 + (n % 2) }));
      await Promise.all(asked.map(({ gid, version }) => newer.drive(gid, "reserve", version, "put")));
      await Promise.all(asked.map(({ gid, version }) => newer.drive(gid, "confirm", version, "put")));
      assert.ok(newer.host.batches().some(({ batches }) => batches > 0));
      const rows = await at.database.sql`select gid, slot::text as slot, operations from mortise_fence`;
      const kept = new Set(rows.map(({ gid, slot, operations: done }) => `${gid} ${slot} ${done}`));
      const wanted = asked.flatMap(({ gid, version }) => ["R", "F"].map((slot) => `${gid} ${slot} put@${version}`));
      assert.deepEqual(kept, new Set(wanted));
    });

    it("an older one leaves what a newer one began to newer ones, unless nothing of it has to be run", async () => {
      await using at = await open();
      const [older, newer] = [at.process({ version: 1 }), at.process({ version: 2 })];
      const refused = { code: "UNIMPLEMENTED", message: tooOld };
      const gid = randomUUID();
      await newer.drive(gid, "reserve", 2);
      await assert.rejects(older.drive(gid, "confirm", 2), refused);
      await assert.rejects(older.drive(gid, "cancel", 2), refused);
      assert.equal((await newer.drive(gid, "cancel", 2)).outcome, "done");
      assert.equal((await older.drive(gid, "cancel", 2)).outcome, "done");
      const applied = randomUUID();
      await newer.drive(applied, "apply", 2);
      await assert.rejects(older.drive(applied, "undo", 2), refused);
      assert.equal((await older.drive(applied, "peek", 2)).outcome, "done");
      assert.equal((await newer.drive(applied, "undo", 2)).outcome, "done");
      const prepared = randomUUID();
      await newer.drive(prepared, "prepare", 2);
      assert.equal((await older.drive(prepared, "commitPrepared", 2)).outcome, "done");
      assert.deepEqual([await at.account(), await at.waiting()], [taken, 0]);
    });

    it("what nobody performs any more can still be barred", async () => {
      await using at = await open();
      const bank = at.process({ version: 1 });
      for (const action of ["cancel", "undo", "rollbackPrepared"] as const)
        assert.equal((await bank.drive(randomUUID(), action, 1, "gone")).outcome, "done");
      assert.equal((await bank.drive(randomUUID(), "settle", 1, "gone")).outcome, "refused");
      const unknown = { code: "UNIMPLEMENTED", message: /cannot apply gone@1: it has no such operation\. / };
      await assert.rejects(bank.drive(randomUUID(), "apply", 1, "gone"), unknown);
      await assert.rejects(bank.drive(randomUUID(), "cancel", 0), { code: "INVALID_ARGUMENT" });
    });

    it("are refused by a rule beforehand exactly where the participant refuses them", async () => {
      await using at = await open();
      const numbers = [1, 2, 3] as const;
      const contracts = numbers.flatMap((version) =>
        numbers.slice(0, version).map((accepts) => ({ version, accepts })),
      );
      const refusedBy: string[] = [];
      for (const contract of contracts) {
        const { host, drive } = at.process(contract);
        const manifests = new Map([["test.bank.v1.Bank", await host.manifest()]]);
        for (const asked of numbers) {
          const buy = transaction("buy", {
            input: Movement,
            needs: { isolation: "none", reply: "final" },
            plan: (plan) => plan.step("one", bankOf({ version: asked }).operations.put, (input) => input),
          });
          const known = new Map(Object.entries(builtInStrategies));
          const problems = transactionProblems(buy, { strategy: "tcc" }, known, { manifests });
          const error = await drive(randomUUID(), "check", asked, "put").then(() => undefined, asStatusError);
          const about = `${asked} by ${contract.accepts} to ${contract.version}`;
          assert.deepEqual(
            problems.map(({ code }) => code),
            error ? ["DTX010"] : [],
            about,
          );
          if (error) refusedBy.push(about);
          const [, why = "nothing"] = /: it (.*?)\. Roll/.exec(error?.message ?? "") ?? [];
          assert.ok((problems[0]?.headline ?? "nothing").endsWith(why), about);
        }
      }
      assert.deepEqual(refusedBy, [
        ...["2 by 1 to 1", "3 by 1 to 1", "3 by 1 to 2", "1 by 2 to 2", "3 by 2 to 2"],
        ...["1 by 2 to 3", "1 by 3 to 3", "2 by 3 to 3"],
      ]);
    });

    it("are whole numbers from 1, and those that are accepted are not newer than the newest", () => {
      for (const version of [0, -1, 1.5, Number.NaN])
        assert.throws(() => bankOf({ version }), /version must be a whole number from 1/);
      for (const accepts of [0, -1, 1.5, 3, Number.NaN])
        assert.throws(
          () => bankOf({ version: 2, accepts }),
          /accepts must be a whole number from 1 to 2, which is its version/,
        );
    });
  },
);
