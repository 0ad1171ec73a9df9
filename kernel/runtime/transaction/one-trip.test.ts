import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { sql as fragment } from "drizzle-orm";
import fc from "fast-check";
import { background } from "../../call/call-context.ts";
import { systemPorts } from "../../core/ports.ts";
import { finishingStatement, oneStatement } from "../../spi/one-statement.ts";
import type { Performer } from "../../spi/perform.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf, bankOperations, bankPerformer } from "../../testing/bank.ts";
import { pay } from "../../testing/bank-app.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { branchesOf } from "./branches.ts";
import { participant } from "./participant.ts";
import { type Asked, accounts, by, requestOf, take, vault } from "./vault.fixture.ts";

type Write = Parameters<typeof oneStatement>[0]["write"];
await onServer(
  "branches of one statement on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    const actions = fc.constantFrom<BranchAction>("reserve", "reserve", "confirm", "cancel", "apply", "undo", "settle");
    const asked = fc.record({
      action: actions,
      which: fc.integer({ min: 0, max: 5 }),
      again: fc.integer({ min: 1, max: 2 }),
    });
    const inputs = fc.array(
      fc.record({
        operation: fc.constantFrom("take", "lean", "open"),
        account: fc.constantFrom("a", "b", "c"),
        cents: fc.constantFrom(5n, 30n, 90n, 5_000n),
      }),
      { minLength: 6, maxLength: 6 },
    );

    it("answer and leave the same as functions, whatever is asked", { timeout: 120_000 }, async () => {
      await using statements = await vault(server, "statements");
      await using functions = await vault(server, "functions");
      await fc.assert(
        fc.asyncProperty(inputs, fc.array(asked, { minLength: 1, maxLength: 12 }), async (given, rounds) => {
          const gids = given.map(() => randomUUID());
          for (const { action, which, again } of rounds) {
            const one = { ...given[which], gid: gids[which] as string, action };
            for (let times = 0; times < again; times++)
              assert.equal(await statements.ask(one), await functions.ask(one), action);
          }
          assert.deepEqual(await statements.left(), await functions.left());
        }),
        { numRuns: 60 },
      );
    });

    it("are done once, however often and at whatever moment they are asked for", { timeout: 120_000 }, async () => {
      await using at = await vault(server, "statements");
      for (let round = 0; round < 30; round++) {
        const gid = randomUUID();
        const all = (["reserve", "reserve", "cancel", "reserve"] as const).map((action) => at.drive({ gid, action }));
        await Promise.all(all);
        while ((await at.drive({ gid, action: "cancel" })).outcome === "ongoing");
        assert.deepEqual(await accountOf(at.database, "a"), { balance: 100n, frozen: 0n, coming: 0n });
      }
      const gid = randomUUID();
      await at.drive({ gid, action: "reserve" });
      const finishes = (["confirm", "cancel", "confirm"] as const).map((action) => at.drive({ gid, action }));
      const outcomes = (await Promise.all(finishes)).map(({ outcome }) => outcome);
      const { balance, frozen } = await accountOf(at.database, "a");
      assert.equal(frozen, 0n);
      const confirmed = balance === 70n;
      assert.deepEqual(outcomes, confirmed ? ["done", "heuristic", "done"] : ["heuristic", "done", "heuristic"]);
    });

    it("take one trip", async () => {
      await using at = await vault(server, "statements");
      for (const operation of ["take", "lean", "open"]) {
        for (const how of ["confirm", "cancel"] as const) {
          const gid = randomUUID();
          const asking = { gid, operation, account: operation === "open" ? gid : "a", cents: 1n };
          const reserved = await at.trip.forward(requestOf({ ...asking, action: "reserve" }), "reserve", background);
          assert.equal(reserved?.outcome, "done");
          const finished = await at.trip.finish(requestOf({ ...asking, action: how }), how, background);
          assert.equal(finished?.outcome, "done", `${how} of ${operation}`);
        }
      }
      const gid = randomUUID();
      assert.ok(await at.trip.forward(requestOf({ gid, action: "apply" }), "apply", background));
      assert.ok(await at.trip.finish(requestOf({ gid, action: "undo" }), "undo", background));
    });

    it("change nothing where one trip is not enough", async () => {
      await using at = await vault(server, "statements");
      const gid = randomUUID();
      const again = requestOf({ gid, action: "reserve" });
      assert.ok(await at.trip.forward(again, "reserve", background));
      const before = await at.left();
      assert.equal(await at.trip.forward(again, "reserve", background), undefined); // it is there
      const dear = requestOf({ gid: randomUUID(), action: "reserve", cents: 900n });
      assert.equal(await at.trip.forward(dear, "reserve", background), undefined); // there is too little
      const refused = requestOf({ gid: randomUUID(), action: "reserve", cents: 9_000n });
      assert.equal(await at.trip.forward(refused, "reserve", background), undefined); // it says no by itself
      const [step] = again.steps;
      const two = { ...again, gid: randomUUID(), steps: [step, { ...step, step: "two" }] } as typeof again;
      assert.equal(await at.trip.forward(two, "reserve", background), undefined); // two statements
      const others = { ...again, gid: randomUUID() };
      assert.equal(await at.trip.finish(others, "confirm", background), undefined); // somebody else reserved it
      assert.deepEqual(await at.left(), before);
    });

    it("write the outbox with what it follows from, or neither", async () => {
      await using at = await vault(server, "statements");
      const branches = branchesOf(pay).main.slice(1);
      const about = { transaction: pay, strategy: "outbox", input: new Uint8Array([1]), first: "b1", branches };
      const apply = (asked: Omit<Asked, "action">) => {
        const rows = { ...about, gid: asked.gid, kind: "message", trace: "" } as const;
        return at.trip.forward(requestOf({ ...asked, action: "apply" }), "apply", background, rows);
      };
      const waiting = () => at.database.sql`select gid, branch, layer, plan from mortise_outbox order by created_at`;
      const [gid, other] = [randomUUID(), randomUUID()];
      assert.equal((await apply({ gid }))?.outcome, "done");
      const [row, ...more] = await waiting();
      assert.deepEqual([row, more], [{ gid, branch: "b2", layer: 0, plan: branches[0] }, []]);
      const before = await at.left();
      assert.equal(await apply({ gid }), undefined); // it is there
      assert.equal(await apply({ gid: other, cents: 900n }), undefined); // there is too little
      assert.deepEqual([(await waiting()).length, await at.left()], [1, before]);
      const idle = { gid: other, operation: "idle", account: "a" };
      assert.equal((await apply(idle))?.outcome, "done");
      assert.equal((await waiting()).length, 2);
      assert.equal(await apply(idle), undefined);
      const through = { gid: randomUUID(), operation: "drizzle", account: "b" };
      assert.equal((await apply(through))?.outcome, "done");
      assert.equal((await waiting()).length, 3);
      assert.equal((await accountOf(at.database, "b")).balance, 70n);
    });

    it("finish nothing whose reservation is gone", async () => {
      await using at = await vault(server, "statements");
      for (const operation of ["take", "open"]) {
        const gid = randomUUID();
        await at.drive({ gid, action: "reserve", operation, account: operation === "open" ? gid : "a" });
        await at.database.sql`delete from mortise_fence where gid = ${gid}`;
        const before = await at.left();
        assert.equal((await at.drive({ gid, action: "confirm", operation })).outcome, "heuristic");
        assert.deepEqual(await at.left(), before);
      }
    });

    it("wait for a lock as long as any branch, and leave the connection as it was", { timeout: 60_000 }, async () => {
      await using at = await vault(server, "statements");
      const gid = randomUUID();
      await at.database.sql.begin(async (tx) => {
        await tx`select from account where id = 'a' for update`;
        assert.equal((await at.drive({ gid, action: "reserve" })).outcome, "ongoing");
      });
      assert.equal((await at.drive({ gid, action: "reserve" })).outcome, "done");
      const settings = await Promise.all(
        Array.from({ length: 8 }, () =>
          at.database.orm.execute(fragment`select current_setting('lock_timeout') as is, pg_sleep(0.05)`),
        ),
      );
      for (const [row] of settings) assert.equal(row?.is, "0");
    });

    it("pass the points of a branch that lie outside of its database transaction", async () => {
      const points: string[] = [];
      await using at = await vault(server, "statements", (point) => void points.push(point));
      const gid = randomUUID();
      await at.drive({ gid, action: "reserve" });
      await at.drive({ gid, action: "confirm" });
      assert.deepEqual(points, ["T4", "T3", "T11"]);
    });

    it("of several statements are done in a transaction", async () => {
      await using at = await vault(server, "statements", undefined, {
        reserve: oneStatement({
          write: ({ sql }, { account }) => sql`
            with other as (update account set coming = coming + 1 where id = 'b')
            update account set coming = coming + 1 where id = ${account} returning 1`,
        }),
      });
      for (let times = 0; times < 2; times++)
        assert.equal((await at.drive({ gid: randomUUID(), action: "reserve" })).outcome, "done");
      for (const id of ["a", "b"]) assert.equal((await accountOf(at.database, id)).coming, 2n);
    });

    it("that do not tell what they changed are told so", async () => {
      const write: Write = ({ sql }) => sql`update account set coming = coming + 1`;
      await using at = await vault(server, "statements", undefined, { reserve: oneStatement({ write }) });
      await assert.rejects(at.drive({ gid: randomUUID(), action: "reserve" }), /step one: .+ End it with RETURNING/);
      assert.equal((await accountOf(at.database, "a")).coming, 0n);
    });

    const misused: Readonly<Record<string, readonly [write: (...given: Parameters<Write>) => unknown, RegExp]>> = {
      "that are not given": [({ orm }) => void orm.update(accounts).set(by(1n)).returning(), /write gives nothing/],
      "that are awaited": [
        ({ orm }) =>
          orm
            .update(accounts)
            .set(by(1n))
            .returning()
            .then((rows) => rows),
        /write gives a promise/,
      ],
      "that are sent through drizzle": [
        ({ orm }) => orm.update(accounts).set(by(1n)).returning().execute(),
        /write gives a promise/,
      ],
      "that are sent through postgres.js": [
        ({ sql }) => sql`update account set coming = 9 returning 1`.then(() => []),
        /write gives a promise/,
      ],
      "that are sent as text": [
        ({ sql }) => sql.unsafe("update account set coming = 9 returning 1").then(() => []),
        /write gives a promise/,
      ],
      "that are a transaction": [
        ({ orm }) => orm.transaction((tx) => tx.update(accounts).set(by(1n)).returning()),
        /write gives a promise/,
      ],
    };
    for (const [what, [write, says]] of Object.entries(misused))
      it(`${what} are told so, and leave nothing`, async () => {
        const reserve = oneStatement({ write: write as Write });
        await using at = await vault(server, "statements", undefined, { reserve });
        const before = await at.left();
        await assert.rejects(at.drive({ gid: randomUUID(), action: "reserve" }), says);
        assert.deepEqual(await at.left(), before);
      });

    it("cannot be written by an async function, nor answer anything", async () => {
      const write = async () => [];
      assert.throws(() => oneStatement({ write: write as never }), /write is an async function/);
      assert.throws(() => finishingStatement({ write: write as never }), /write is an async function/);
      await using at = await vault(server, "statements");
      const bank = bankOperations("Answers");
      const answering = { ...bankPerformer(bank, at.database), perform: { take, put: take } } as unknown as Performer;
      assert.throws(
        () => participant(answering, systemPorts),
        /test.bank.v1.Answers\/take answers test.bank.v1.Balance, but its reserve is a statement/,
      );
    });

    it("that change nothing fail unless they say what that means", async () => {
      await using at = await vault(server, "statements");
      const gid = randomUUID();
      await at.drive({ gid, action: "reserve" });
      await at.database.sql`update account set id = 'z' where id = 'a'`;
      await assert.rejects(at.drive({ gid, action: "confirm" }), /step one changed no row, and has no "none"/);
      await at.database.sql`update account set id = 'a' where id = 'z'`;
      assert.equal((await at.drive({ gid, action: "confirm" })).outcome, "done");
    });
  },
);
