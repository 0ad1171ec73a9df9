import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { codecOf, TransactionAdmin } from "../../contract/index.ts";
import { participantService } from "../../contract/transaction/participant.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { type Ports, systemPorts } from "../../core/ports.ts";
import { banks, Payment, pay } from "../../testing/bank-app.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { noticingStrategy } from "../../testing/test-strategies.ts";
import { accountsAway, ann, everything, money } from "./admin.fixture.ts";
import { branchesOf } from "./branches.ts";
import { writeOutbox } from "./outbox.ts";
import { requestFor } from "./requests.ts";

const open = { ...everything, open: true };

const input = codecOf(Payment).encode(money);
const hour = 3_600_000;

await onServer(
  "what people see of transactions that only an outbox keeps",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A world where the second bank cannot be told of anything until its accounts are called back. */
    async function untold(ports?: Ports) {
      const world = await strategyWorld(server, noticingStrategy, ports && { ports });
      const back = await accountsAway(await world.database(1));
      const { sql } = await world.database(0);
      return {
        ...{ world, back, sql, admin: world.app.clients.client(TransactionAdmin) },
        /**
         * A payment as a process leaves it that dies when its first branch is done, before the coordinator heard of it; it is
         * not due for long.
         */
        async left(): Promise<string> {
          const gid = randomUUID();
          const about = { gid, strategy: "noticing", transaction: pay as unknown as AnyTransaction, input };
          const { main, later } = branchesOf(pay as unknown as AnyTransaction);
          const [first, ...others] = main;
          assert.ok(first);
          const bank = world.app.clients.client(participantService(first.participant));
          await bank.drive(requestFor({ ...about, outputs: new Map() }, first, "apply"));
          const branches = [...others, ...later];
          const rows = { ...about, first: first.id, branches, kind: "notice", trace: "" } as const;
          await sql.begin(async (tx) => {
            await writeOutbox(tx as never, rows);
            await tx`update mortise_outbox set next_at = now() + interval '1 hour' where gid = ${gid}`;
          });
          return gid;
        },
        [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
      };
    }

    it("lists them among the others, with who keeps them, as far as the filters let them through", async () => {
      await using at = await untold();
      const { admin } = at;
      const gid = await at.left();
      const recorded = (await at.world.run("pay", { settled: false })).gid;
      const gidsOf = async (query: Partial<typeof open>) =>
        (await admin.list({ ...open, ...query })).transactions.map((one) => one.gid);
      await eventually(async () => (await admin.list(open)).transactions.at(-1)?.keptBy === "", 60_000);
      const { transactions, more, silent } = await admin.list(open);
      assert.deepEqual([more, silent], [false, []]);
      assert.deepEqual(
        transactions.map(({ gid, name, strategy, status, keptBy }) => [gid, name, strategy, status, keptBy]),
        [
          [gid, "pay", "noticing", "committing", banks.own.name],
          [recorded, "pay", "noticing", "committing", ""],
        ],
      );
      const both = [gid, recorded];
      for (const query of [{ name: "pay" }, { strategy: "noticing" }, { statuses: ["committing"], open: false }])
        assert.deepEqual(await gidsOf(query), both);
      for (const query of [
        { name: "collect" },
        { strategy: "saga" },
        { statuses: ["active"] },
        { olderThanMs: 3_600_000n },
      ])
        assert.deepEqual(await gidsOf(query), []);
      assert.deepEqual(await gidsOf({ open: false }), both);
      for (const one of both)
        assert.deepEqual(
          await gidsOf({ gidEnd: one.slice(-12), open: false, limit: 1 }),
          [one],
          "by the end of its id",
        );
      await assert.rejects(admin.list({ ...open, gidEnd: "%" }), /"%" is not how an id of a transaction ends/);
      const { transactions: oldest, more: others } = await admin.list({ ...open, limit: 1 });
      assert.deepEqual([oldest.map((one) => one.gid), others], [[gid], true]);
      await at.back();
    });

    it("counts them apart, tells of one what is known, and hands all on at once", async () => {
      await using at = await untold();
      const { admin, world } = at;
      const gid = await at.left();
      const { counts, silent } = await admin.counts({});
      assert.deepEqual(silent, []);
      assert.deepEqual(
        counts.map(({ name, strategy, status, count, keptBy }) => [name, strategy, status, count, keptBy]),
        [["pay", "noticing", "committing", 1n, banks.own.name]],
      );
      const { summary, branches } = await admin.show({ gid });
      assert.deepEqual([summary?.name, summary?.status, summary?.keptBy], ["pay", "committing", banks.own.name]);
      assert.deepEqual(
        branches.map(({ id, participant, steps, outbox }) => [id, participant, steps, outbox !== undefined]),
        [
          ["b1", banks.own.name, ["take"], false],
          ["b2", banks.second.name, ["put"], true],
          ["b3", banks.third.name, ["bonus"], true],
        ],
      );
      assert.deepEqual((await admin.list({ ...open, stuck: true })).transactions, []);
      await at.sql`update mortise_outbox set state = 'exhausted', last_error = 'it is away' where branch = 'b2'`;
      const [stuck] = (await admin.list({ ...open, stuck: true })).transactions;
      assert.deepEqual([stuck?.gid, stuck?.lastError, stuck?.stuck], [gid, "it is away", true]);
      await at.back();
      const retried = await admin.retry({ ...ann, name: "pay" });
      assert.deepEqual([retried.gids, retried.outboxRows > 0], [[gid], true]);
      await world.settled();
      await eventually(async () => (await admin.list(open)).transactions.length === 0, 60_000);
      assert.deepEqual((await admin.counts({})).counts, []);
      const after = (await admin.show({ gid })).summary;
      assert.deepEqual([after?.status, after?.keptBy], ["committed", ""]);
    });

    for (const [which, offset] of [["behind", -hour] as const, ["ahead", hour] as const])
      it(`goes by the clock of the database where that of the process is an hour ${which}`, async () => {
        const clock = { ...systemPorts.clock, wall: () => systemPorts.clock.wall() + offset };
        await using at = await untold({ ...systemPorts, clock });
        const gid = await at.left();
        const seen = async () => {
          const [one] = (await at.admin.list(open)).transactions;
          assert.deepEqual([one?.gid, one?.keptBy], [gid, banks.own.name]);
          const [counted] = (await at.admin.counts({})).counts;
          assert.deepEqual([counted?.count, counted?.stuck], [1n, one?.stuck ? 1n : 0n]);
          return { stuck: one?.stuck, hours: Number(one?.ageMs) / hour };
        };
        await at.sql`update mortise_outbox set kind = 'message'`;
        const fresh = await seen();
        assert.deepEqual([fresh.stuck, Math.floor(fresh.hours)], [false, 0]);
        await at.sql`update mortise_outbox set created_at = now() - interval '90 minutes'`;
        const old = await seen();
        assert.deepEqual([old.stuck, Math.floor(old.hours)], [true, 1]);
        await at.sql`update mortise_outbox set kind = 'notice'`;
        assert.equal((await seen()).stuck, false, "its schedule may be that long");
        await at.back();
      });

    it("has the coordinator hear of what takes long, so that people can act on it", async () => {
      await using at = await untold();
      const gid = await at.left();
      await at.sql`update mortise_outbox set next_at = now()`;
      await eventually(async () => (await at.admin.list(open)).transactions[0]?.keptBy === "", 60_000);
      const [one, ...others] = (await at.admin.list(open)).transactions;
      assert.deepEqual([one?.gid, one?.status, others], [gid, "committing", []]);
      await at.admin.close({ ...ann, gid, branch: "", reason: "told by telephone" });
      assert.equal((await at.sql`select 1 from mortise_outbox`).length, 0);
      await at.back();
    });

    it("says of what only an outbox has when people can act on it", async () => {
      await using at = await untold();
      const { admin } = at;
      const gid = await at.left();
      const acts = {
        force: () => admin.force({ ...ann, gid, outcome: "abort" }),
        close: () => admin.close({ ...ann, gid, branch: "" }),
        input: () => admin.input({ gid }),
      };
      for (const act of Object.values(acts))
        await assert.rejects(act(), {
          ...{ code: "FAILED_PRECONDITION", reason: "ONLY_IN_OUTBOX" },
          message: /so far only in the outbox of test\.bank\.v1\.\S+, .* hears of it when it is handed on again/,
        });
      await at.sql`alter table mortise_outbox rename to outbox_away`;
      await assert.rejects(acts.close(), { code: "NOT_FOUND", message: /as far as is known: \S+ did not tell$/ });
      await at.sql`alter table outbox_away rename to mortise_outbox`;
      await at.back();
    });

    for (const how of ["by its id", "with all of its name"])
      it(`pauses one ${how} of which the coordinator has not heard, which has a record then`, async () => {
        await using at = await untold();
        const gid = await at.left();
        const acted = await at.admin.pause({ ...ann, ...(how === "by its id" ? { gid } : { name: "pay" }) });
        assert.deepEqual([acted.gids, acted.silent, acted.outboxRows], [[gid], [], 0]);
        const [one, ...others] = (await at.admin.list(open)).transactions;
        assert.deepEqual([one?.gid, one?.keptBy, one?.paused, others], [gid, "", true, []]);
        await at.back();
        await at.admin.resume({ ...ann, gid });
        await at.world.settled();
      });

    it("shows as paused, and calls nobody for, what is paused in an outbox and has lost its record", async () => {
      await using at = await untold();
      const gid = await at.left();
      await at.sql`update mortise_outbox set state = 'paused', attempts = 99`;
      const [one] = (await at.admin.list(open)).transactions;
      assert.deepEqual([one?.gid, one?.paused, one?.stuck, one?.nextAt], [gid, true, false, 0n]);
      await at.back();
    });

    it("says whose outbox does not tell, and lists the rest", async () => {
      await using at = await untold();
      const { gid } = await at.world.run("pay", { settled: false });
      await eventually(async () => (await at.admin.list(open)).transactions[0]?.keptBy === "", 60_000);
      await at.sql`alter table mortise_outbox rename to outbox_away`;
      for (const { silent } of [await at.admin.list(open), await at.admin.counts({})])
        assert.deepEqual(
          silent.map(({ participant }) => participant),
          [banks.own.name],
        );
      assert.equal((await at.admin.list(open)).transactions[0]?.gid, gid);
      await at.sql`alter table outbox_away rename to mortise_outbox`;
      await at.back();
    });

    it("goes through an outbox page by page, the oldest first", async () => {
      await using at = await untold();
      const { sql, world } = at;
      await sql`
        insert into mortise_outbox
          (gid, branch, layer, kind, transaction, version, strategy, first_branch, plan, input, trace, state, created_at)
        select gen_random_uuid(), 'b2', 0, 'notice', 'other', 1, 'noticing', 'b1', '{}', '', '', 'exhausted',
          now() - n % 5 * interval '1 second'
        from generate_series(1, 1203) as n`;
      const bank = world.app.clients.client(participantService(banks.own.name));
      const query = { gid: "", name: "", strategy: "", olderThanMs: 0n, after: "", limit: 0 };
      const seen: { readonly gid: string; readonly createdAt: bigint }[] = [];
      const sizes: number[] = [];
      for (let after = "", next = true; next; next = after !== "") {
        const page = await bank.outbox({ ...query, after });
        seen.push(...page.transactions);
        sizes.push(page.transactions.length);
        after = page.next;
      }
      assert.deepEqual(sizes, [500, 500, 203]);
      assert.equal(new Set(seen.map(({ gid }) => gid)).size, 1_203);
      const ages = seen.map(({ createdAt }) => createdAt);
      assert.deepEqual(
        ages,
        ages.toSorted((a, b) => Number(a - b)),
      );
      const { transactions, more } = await at.admin.list({ ...open, limit: 1_200 });
      assert.deepEqual([transactions.length, more], [1_200, true]);
      assert.deepEqual([transactions[0]?.stuck, transactions[0]?.nextAt], [true, 0n]);
      for (const wrong of [{ after: "x" }, { limit: 501 }, { limit: -1 }, { gid: "x" }])
        await assert.rejects(bank.outbox({ ...query, ...wrong }), { code: "INVALID_ARGUMENT" });
      await sql`delete from mortise_outbox`;
      await at.back();
    });
  },
);
