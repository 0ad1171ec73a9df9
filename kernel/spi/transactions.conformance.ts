import assert from "node:assert/strict";
import { builtInStrategies } from "../contract/transaction/strategy.ts";
import { bankTransactions, pay } from "../testing/bank-app.ts";
import { conformance } from "../testing/conformance.ts";
import type { TestPostgres } from "../testing/postgres-server.ts";
import { type StrategyWorld, strategyWorld } from "../testing/strategy-world.ts";
import { testStrategy } from "../testing/test-strategies.ts";
import { transactions } from "./transactions.ts";

/** A PostgreSQL server for the banks of a test, driven by the plugin that serves as `transactions`. */
export interface TransactionsSubject {
  readonly server: TestPostgres;
}

const law = (law: string, check: (world: StrategyWorld) => Promise<void>) => ({
  law,
  async check({ server }: TransactionsSubject) {
    await using world = await strategyWorld(server, testStrategy);
    await check(world);
  },
});

/** What everything that runs transactions keeps to. */
export const transactionsConformance = conformance<TransactionsSubject>("transactions", [
  law("gives one initiator for one transaction", async ({ app }) => {
    const api = app.kernel.get(transactions);
    assert.equal(api.initiator(pay), api.initiator(pay));
  }),
  law("runs a transaction and waits for it, also when asked long after", async (world) => {
    const { gid, status } = await world.run("collect");
    assert.equal(status, "committed");
    assert.equal(await world.wait("collect", gid), "committed");
  }),
  law("knows no transaction that was never begun", async (world) => {
    await assert.rejects(world.wait("collect", "0190b4d2-0000-7000-8000-000000000000"), { code: "NOT_FOUND" });
  }),
  law("refuses a key that was used with another input", async (world) => {
    await world.run("collect", { key: "a", cents: 10n });
    const { status, reason } = await world.run("collect", { key: "a", cents: 11n });
    assert.deepEqual([status, reason], ["aborted", "KEY_REUSED"]);
    await world.settled();
    assert.equal(await world.balance(0, "alice"), 990n);
  }),
  law("takes over what a process left that is gone", async (world) => {
    const input = { from: "alice", to: "bob", cents: 100n, sponsor: "carol" };
    const gid = await world.left("collect", input, "committing");
    await world.settled();
    assert.equal(await world.wait("collect", gid), "committed");
    const undecided = await world.left("collect", input, "active");
    await world.settled();
    assert.equal(await world.wait("collect", undecided), "aborted");
  }),
  law("tells the bus how a transaction ended", async (world) => {
    const { gid } = await world.run("collect");
    await world.settled();
    const ended = world.app.around.bus.published.filter(({ id }) => id === `${gid}:end`);
    assert.equal(ended.length, 1);
  }),
  law("tells beforehand what speaks against a policy, of transactions it knows", async ({ app }) => {
    const api = app.kernel.get(transactions);
    const strategies = new Map(Object.entries(builtInStrategies));
    const under = (names: readonly string[], maxInFlight: number) => {
      const sources = { strategy: "*", maxInFlight: "*" };
      const of = () => ({ strategy: "xa", deadlineMs: undefined, maxInFlight, scheduleMs: [1], sources });
      return api.objections(names, { of }, strategies, 60_000);
    };
    const found = await under(["collect"], 1_000_000);
    assert.ok(found.length > 0, "no server of a test prepares a million transactions");
    for (const { code, transaction, message } of found) {
      assert.deepEqual([code, transaction], ["DTX008", "collect"]);
      assert.match(message, /^transaction collect: DTX008 xa: /);
    }
    assert.deepEqual(await under(["collect"], 1), []);
    assert.deepEqual(await under(["nobody"], 1_000_000), []);
  }),
  law("knows all transactions of a process by name", async ({ app }) => {
    for (const one of Object.values(bankTransactions)) assert.ok(app.kernel.get(transactions).initiator(one));
  }),
]);
