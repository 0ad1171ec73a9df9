import assert from "node:assert/strict";
import { codecOf, TransactionAdmin, TransactionEnded } from "../contract/index.ts";
import type { Plugin } from "../core/plugin.ts";
import { systemPorts } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import { keptSpans } from "../testing/kept-spans.ts";
import type { TestPostgres } from "../testing/postgres-server.ts";
import { bankBranches, bankCents, type StrategyWorld, strategyWorld } from "../testing/strategy-world.ts";
import { given } from "../testing/test-app.ts";
import { coordinator } from "./coordinator.ts";
import { type SpanRecord, tracer } from "./tracer.ts";
import type { StrategyFacts } from "./transaction.ts";
import { hasEnded } from "./transaction-record.ts";
import { transactions } from "./transactions.ts";

/** A strategy, and a PostgreSQL server whose databases it may use. */
export interface StrategySubject {
  readonly plugin: Plugin;
  readonly server: TestPostgres;
}

interface Case extends StrategyWorld {
  readonly facts: StrategyFacts;
  /** Its name. */
  readonly strategy: string;
  /** All that have ended so far. */
  readonly spans: readonly SpanRecord[];
  /** The most demanding transaction the strategy may drive honestly. */
  readonly transaction: "move" | "pay" | "collect";
  /** What the three banks hold together. */
  total(): Promise<bigint>;
}

const law = (law: string, check: (world: Case) => Promise<void>) => ({
  law,
  async check({ plugin, server }: StrategySubject) {
    const facts = plugin.facts as StrategyFacts;
    const transaction = facts.oneBranch ? "move" : facts.rejects === "first-branch" ? "pay" : "collect";
    const kept = keptSpans(systemPorts);
    const tracing = { plugins: [given(tracer, "kept", kept)], use: { tracer: "kept" } };
    await using world = await strategyWorld(server, plugin, tracing);
    const total = async () => {
      const sums = await Promise.all(
        ([0, 1, 2] as const).map(async (bank) => {
          const [row] = await (await world.database(bank)).sql<{ cents: bigint }[]>`
            select sum(balance)::bigint as cents from account where id <> 'bonus'`;
          return row?.cents ?? 0n;
        }),
      );
      return sums.reduce((all, one) => all + one, 0n);
    };
    await check({ ...world, facts, strategy: plugin.name, transaction, total, spans: kept.spans });
  },
});

/** What every strategy keeps to, on the transactions it may drive. */
export const transactionConformance = conformance<StrategySubject>("transaction", [
  law("does all of a transaction, and answers as its facts promise", async (world) => {
    const { transaction, facts } = world;
    const { gid, status } = await world.run(transaction);
    assert.equal(status, facts.reply === "final" ? "committed" : "pending");
    assert.equal(await world.wait(transaction, gid), "committed");
    await world.settled();
    assert.equal(await world.balance(0, "alice"), 900n);
    assert.equal(await world.total(), 3n * bankCents);
  }),
  law("does nothing of a transaction that is refused, and says why", async (world) => {
    const { transaction, facts, strategy } = world;
    const { status, reason, gid } = await world.run(transaction, { cents: 1_001n });
    assert.deepEqual([status, reason], ["aborted", "TOO_LITTLE"]);
    assert.equal(await world.wait(transaction, gid), "aborted");
    const kept = await world.app.kernel.get(coordinator).get(gid);
    const known = [kept?.name, kept?.strategy, kept?.abort?.reason];
    if (!facts.ownFirst && !facts.oneBranch) assert.deepEqual(known, [transaction, strategy, "TOO_LITTLE"]);
    await world.settled();
    assert.equal(await world.balance(0, "alice"), 1_000n);
    assert.equal(await world.total(), 3n * bankCents);
  }),
  law("does a transaction once, however often it is run under one key", async (world) => {
    const { transaction } = world;
    const all = await Promise.all(Array.from({ length: 4 }, () => world.run(transaction, { key: "one" })));
    all.push(await world.run(transaction, { key: "one" }));
    assert.equal(new Set(all.map(({ gid }) => gid)).size, 1);
    await world.settled();
    assert.equal(await world.balance(0, "alice"), 900n);
  }),
  law("keeps the outcome of a key, also where the accounts have changed since", async (world) => {
    const { sql } = await world.database(0);
    for (const name of new Set([world.transaction, "move"] as const)) {
      const run = (key: string, cents: bigint) => world.run(name, { key: `${name} ${key}`, cents });
      const [little, enough] = [await run("little", 1_001n), await run("enough", 900n)];
      await sql`update account set balance = 5000 where id = 'alice'`;
      assert.deepEqual(await run("little", 1_001n), little);
      await world.settled();
      await sql`update account set balance = 0 where id = 'alice'`;
      const again = await run("enough", 900n);
      assert.deepEqual([again.gid, again.reason], [enough.gid, ""]);
      assert.equal(await world.wait(name, enough.gid), "committed");
      await sql`update account set balance = 1000 where id = 'alice'`;
    }
  }),
  law("tells the bus once of every end and counts it once, whatever its shape and outcome", async (world) => {
    const names = [...new Set([world.transaction, "move"] as const)];
    const some = await Promise.all(
      names.flatMap((name) =>
        [10n, 10n, 10n, 10n, 1_001n].map(async (cents) => ({ name, ...(await world.run(name, { cents })) })),
      ),
    );
    for (const name of names)
      for (const cents of [10n, 1_001n, 10n, 1_001n])
        some.push({ name, ...(await world.run(name, { cents, key: `${name} ${cents}` })) });
    await world.settled();
    const ends = new Map<string, boolean>();
    for (const { name, gid, status } of some)
      ends.set(gid, (status === "pending" ? await world.wait(name, gid) : status) === "committed");
    const { numbers } = world.app.kernel.get(transactions);
    for (const name of names) {
      const wanted = [...new Set(some.filter((one) => one.name === name).map(({ gid }) => gid))].map((g) =>
        ends.get(g),
      );
      const done = wanted.filter(Boolean).length;
      const counted = await eventually(() => {
        const one = numbers.read().driven.find((one) => one.name === name);
        const aborted = Object.values(one?.aborted ?? {}).reduce((sum, count) => sum + count, 0);
        return one && one.committed + aborted >= wanted.length && { ...one, aborted };
      });
      const { begun, committed, aborted } = counted;
      assert.deepEqual([begun, committed, aborted], [wanted.length, done, wanted.length - done]);
    }
    const told = await eventually(() => {
      const all = world.app.around.bus.published.filter(({ id }) => id.endsWith(":end"));
      return all.length >= ends.size && all;
    });
    const said = told.map(({ body }) => codecOf(TransactionEnded).decode(body));
    const known = [...ends].map(([gid, committed]) => ({ gid, committed }));
    const byGid = (a: { gid: string }, b: { gid: string }) => (a.gid < b.gid ? -1 : 1);
    assert.deepEqual(said.map(({ gid, committed }) => ({ gid, committed })).sort(byGid), known.sort(byGid));
    assert.ok(said.every(({ committed, reason }) => committed === (reason === "")));
  }),
  law("keeps one trace per transaction, with spans of every branch where it is done", async (world) => {
    const { spans } = world;
    for (const name of new Set([world.transaction, "move"] as const)) {
      const { gid } = await world.run(name);
      await world.settled();
      const { main, later } = bankBranches(name);
      for (const { id, participant, steps } of [...main, ...later]) {
        const of = (span: SpanRecord) =>
          span.attributes["mortise.transaction.gid"] === gid &&
          span.attributes["mortise.transaction.branch"] === id &&
          span.attributes["mortise.transaction.participant"] === participant;
        const names = ["reserve", "apply", "prepare"].map((phase) => `${phase} ${steps.map((s) => s.step).join("+")}`);
        await eventually(() => spans.some((span) => of(span) && span.code === "OK" && names.includes(span.name)));
      }
      const own = () => spans.filter(({ attributes }) => attributes["mortise.transaction.gid"] === gid);
      const root = await eventually(() => own().find((span) => span.name === `transaction ${name}`));
      assert.deepEqual([...new Set(own().map(({ trace }) => trace.traceId))], [root.trace.traceId]);
      assert.ok(own().every((span) => span === root || span.parentSpanId !== ""));
    }
  }),
  law("refuses a key that was used with another input, whatever became of the first", async (world) => {
    let taken = 0n;
    for (const name of new Set([world.transaction, "move"] as const)) {
      const run = (key: string, cents: bigint) => world.run(name, { key: `${name} ${key}`, cents });
      for (const cents of [10n, 1_001n]) {
        const first = await run(`${cents}`, cents);
        const other = await run(`${cents}`, 11n);
        assert.deepEqual(other, { gid: first.gid, status: "aborted", reason: "KEY_REUSED" });
        const again = await run(`${cents}`, cents);
        assert.deepEqual([again.gid, again.reason], [first.gid, first.reason]);
        assert.equal(await world.wait(name, first.gid), cents === 10n ? "committed" : "aborted");
      }
      const both = await Promise.all([20n, 30n].map((cents) => run("at once", cents)));
      const [kept, ...more] = both.filter(({ reason }) => reason !== "KEY_REUSED");
      assert.deepEqual([kept?.reason, more], ["", []]);
      taken += 10n + (kept === both[0] ? 20n : 30n);
    }
    await world.settled();
    assert.equal(await world.balance(0, "alice"), 1_000n - taken);
    assert.equal(await world.total(), 3n * bankCents);
  }),
  law("keeps the sum of all accounts under transactions side by side that use them up", async (world) => {
    const { transaction } = world;
    const all = await Promise.all(
      Array.from({ length: 24 }, (_, i) => world.run(transaction, { cents: i % 3 ? 60n : 90n, settled: false })),
    );
    const ends = await Promise.all(all.map(({ gid }) => world.wait(transaction, gid)));
    await world.settled();
    const taken = ends.reduce((sum, end, i) => sum + (end === "committed" ? (i % 3 ? 60n : 90n) : 0n), 0n);
    assert.ok(ends.includes("committed"));
    assert.equal(await world.balance(0, "alice"), 1_000n - taken);
    assert.equal(await world.total(), 3n * bankCents);
  }),
  law(
    "ends every transaction as a whole, also those that met a participant which failed for a while",
    async (world) => {
      const { transaction } = world;
      const bank = transaction === "move" ? 0 : transaction === "pay" ? 1 : 2;
      const { sql } = await world.database(bank);
      await sql`alter table account rename to away`;
      const runs = Array.from({ length: 4 }, () => world.run(transaction, { settled: false, cents: 10n }));
      const all = await Promise.all(runs.map((one) => one.catch(() => undefined)));
      await sql`alter table away rename to account`;
      await world.settled();
      const ends = await Promise.all(
        all.map(async (one) => one && world.wait(transaction, one.gid).catch(() => "aborted")),
      );
      const done = BigInt(ends.filter((end) => end === "committed").length);
      assert.equal(await world.balance(0, "alice"), 1_000n - 10n * done);
      assert.equal(await world.total(), 3n * bankCents);
    },
  ),
  law(
    "ends as a whole what a process left that died after the begin, the first phase or the decision",
    async (world) => {
      const { facts } = world;
      if (facts.oneBranch) return; // nobody but the branch knows of it
      const begun = [
        { status: "active", reserved: 0 },
        { status: "active", reserved: 1 },
        { status: "active", reserved: 2 },
      ] as const;
      const total = await world.total();
      for (const { status, reserved } of [
        ...(facts.ownFirst ? [] : begun),
        { status: "committing", reserved: 2 } as const,
      ]) {
        const held = await world.balance(0, "alice");
        const gid = await world.left("pay", payment, status, { reserved });
        const end = await endOf(world, gid, `${status}, with ${reserved} of 2 branches`);
        await world.settled();
        if (status === "committing") assert.equal(end, "committed");
        const taken = held - (await world.balance(0, "alice"));
        assert.deepEqual([taken, await world.total()], [end === "committed" ? 100n : 0n, total]);
      }
    },
  ),
  law("lets a person abort what nobody has decided, and takes all of it back", async (world) => {
    const { facts, app } = world;
    const admin = app.clients.client(TransactionAdmin);
    const before = await world.total();
    const reserved = facts.rejects === "all" ? 2 : facts.rejects === "before-pivot" ? 1 : 0;
    const gid = await world.left("pay", payment, "active", { paused: true, reserved });
    const forcing = admin.force({ gid, outcome: "abort", by: "ann", reason: "odd" });
    if (facts.ownFirst || facts.oneBranch) return assert.rejects(forcing, { reason: "CANNOT_FORCE" });
    const { status } = await forcing.catch((cause: unknown) => {
      throw new Error("by its facts (neither ownFirst nor oneBranch) something can be undecided: it needs force", {
        cause,
      });
    });
    assert.equal(status, "aborting");
    await admin.resume({ gid, name: "", strategy: "", by: "ann", reason: "" });
    await endOf(world, gid, "aborting");
    await world.settled();
    assert.deepEqual([await world.wait("pay", gid), await world.total()], ["aborted", before]);
  }),
  law("lets nobody abort by hand what is done for good", async (world) => {
    const { facts, app } = world;
    if (facts.rejects === "all" || facts.ownFirst) return;
    const admin = app.clients.client(TransactionAdmin);
    const before = await world.total();
    const reserved = facts.rejects === "before-pivot" ? 2 : 1;
    const gid = await world.left("pay", payment, "active", { paused: true, reserved });
    const forcing = admin.force({ gid, outcome: "abort", by: "ann", reason: "odd" });
    await assert.rejects(forcing, { reason: "ALREADY_DECIDED" });
    await admin.resume({ gid, name: "", strategy: "", by: "ann", reason: "" });
    await world.settled();
    assert.deepEqual([await world.wait("pay", gid), await world.total()], ["committed", before]);
  }),
]);

const payment = { from: "alice", to: "bob", cents: 100n, sponsor: "" };

/** Waits until a transaction that was left has ended, and gives how. Rejects soon when nobody goes on with it. */
async function endOf({ app }: StrategyWorld, gid: string, where: string): Promise<string> {
  const ended = eventually(async () => {
    const record = await app.kernel.get(coordinator).get(gid);
    return record && hasEnded(record.status) && record.status;
  }, 10_000);
  return ended.catch((cause: unknown) => {
    throw new Error(`resume is called again and again and does not end what was left ${where}`, { cause });
  });
}
