import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import type { Row } from "postgres";
import { background } from "../../call/call-context.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf } from "../../testing/bank.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import type { FenceEntry } from "./fence.ts";
import { doAndEnterBoth, onlyDo } from "./fence-statement.ts";
import type { Tag } from "./outbox.ts";
import { preparedName } from "./prepared.ts";
import { requestOf, vault } from "./vault.fixture.ts";

type Vault = Awaited<ReturnType<typeof vault>>;

await onServer(
  "branches of one statement that do not end with a commit, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    const waitingIn = ({ database }: Vault) =>
      database.sql`select gid from pg_prepared_xacts where database = current_database() order by gid`;
    const nameOf = (gid: string) => preparedName({ gid, branch: "b1" });

    const withoutDigit = (rows: readonly Row[]) =>
      rows.map((row) => ({ ...row, gid: row.gid.replace(/.(:b1)?$/, "") }));

    const given = fc.array(
      fc.record({ operation: fc.constantFrom("take", "lean", "open"), cents: fc.constantFrom(5n, 90n, 900n, 5_000n) }),
      { minLength: 3, maxLength: 3 },
    );
    const asked = fc.record({
      action: fc.constantFrom<BranchAction>("check", "prepare", "commitPrepared", "rollbackPrepared", "peek"),
      which: fc.integer({ min: 0, max: 2 }),
    });

    it("answer and leave the same as functions, whatever is asked", { timeout: 300_000 }, async () => {
      await using statements = await vault(server, "statements");
      await using functions = await vault(server, "functions");
      await fc.assert(
        fc.asyncProperty(given, fc.array(asked, { minLength: 1, maxLength: 8 }), async (branches, rounds) => {
          // Names of prepared transactions are those of the whole server. Nobody waits for the account of another.
          const all = branches.map((one, n) => ({
            ...one,
            base: randomUUID().slice(0, -1),
            account: "abc"[n] as string,
          }));
          const ends = all.map((_, which) => ({ which, action: "rollbackPrepared" as const }));
          for (const { action, which } of [...rounds, ...ends]) {
            const { base, ...one } = all[which] as (typeof all)[number];
            const ask = (at: Vault, digit: string) => at.ask({ ...one, action, gid: base + digit });
            const [left, right] = await Promise.all([ask(statements, "0"), ask(functions, "1")]);
            assert.equal(left, right, action);
            assert.deepEqual(withoutDigit(await waitingIn(statements)), withoutDigit(await waitingIn(functions)));
          }
          const [left, right] = [await statements.left(), await functions.left()];
          assert.deepEqual(
            { ...left, fence: withoutDigit(left.fence) },
            { ...right, fence: withoutDigit(right.fence) },
          );
        }),
        { numRuns: 40, endOnFailure: true },
      );
    });

    it("wait for the decision with all they did", async () => {
      await using at = await vault(server, "statements");
      for (const operation of ["take", "lean", "idle"]) {
        const gid = randomUUID();
        const before = (await accountOf(at.database, "a")).balance;
        const request = requestOf({ gid, action: "prepare", operation, cents: 7n });
        assert.equal((await at.waiting.prepare(request, nameOf(gid), background))?.outcome, "done");
        assert.deepEqual([...(await waitingIn(at))], [{ gid: nameOf(gid) }]);
        assert.equal((await accountOf(at.database, "a")).balance, before);
        assert.equal((await at.drive({ gid, action: "commitPrepared" })).outcome, "done");
        assert.equal((await accountOf(at.database, "a")).balance, operation === "idle" ? before : before - 7n);
        const rows = (await at.left()).fence.filter((row) => row.gid === gid);
        assert.deepEqual(
          rows.map(({ slot, kind }) => [slot, kind]),
          [
            ["F", "confirm"],
            ["R", "apply"],
          ],
        );
      }
    });

    it("leave nothing where one statement is not enough", async () => {
      await using at = await vault(server, "statements");
      const gid = randomUUID();
      assert.equal((await at.drive({ gid, action: "rollbackPrepared" })).outcome, "done");
      const before = await at.left();
      const prepare = (request: ReturnType<typeof requestOf>) =>
        at.waiting.prepare(request, nameOf(request.gid), background);
      assert.equal(await prepare(requestOf({ gid, action: "prepare" })), undefined); // it was taken back
      for (const cents of [900n, 9_000n]) {
        const dear = requestOf({ gid: randomUUID(), action: "prepare", cents });
        assert.equal(await prepare(dear), undefined); // there is too little, and it says no by itself
        assert.equal(await at.waiting.check(dear, background), false);
      }
      const asking = requestOf({ gid: randomUUID(), action: "prepare" });
      const [step] = asking.steps;
      const two = { ...asking, steps: [step, { ...step, step: "two" }] } as typeof asking;
      assert.equal(await prepare(two), undefined);
      assert.equal(await at.waiting.check(two, background), false);
      assert.deepEqual([...(await waitingIn(at))], []);
      assert.deepEqual(await at.left(), before);
    });

    it("are tried out without a trace", async () => {
      await using at = await vault(server, "statements");
      const before = await at.left();
      for (const operation of ["take", "lean", "open", "idle"]) {
        const trying = requestOf({ gid: randomUUID(), action: "check", operation });
        assert.equal(await at.waiting.check(trying, background), true, operation);
      }
      assert.deepEqual(await at.left(), before);
    });

    it("do nothing outside of the database transaction they belong to", async () => {
      await using at = await vault(server, "statements");
      const { sql } = at.database;
      const before = await at.left();
      const tag = sql as unknown as Tag<PromiseLike<unknown>>;
      const business = () => sql`update account set coming = 9 where id = 'a' returning 1`;
      const entry = {
        gid: randomUUID(),
        branch: "b1",
        slot: "R",
        kind: "apply",
        strategy: "xa",
        operations: "",
      } as const;
      const entering = (what: unknown) => doAndEnterBoth(tag, what, entry satisfies FenceEntry, "confirm");
      await assert.rejects(async () => entering(business()), { code: "23502" });
      await assert.rejects(async () => entering(undefined), { code: "23502" });
      await assert.rejects(async () => onlyDo(tag, business()), { code: "22012" });
      assert.deepEqual(await at.left(), before);
    });
  },
);
