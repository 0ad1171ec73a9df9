import assert from "node:assert/strict";
import { it } from "node:test";
import { coordinator } from "../../spi/coordinator.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import { type Store, store } from "../../spi/store.ts";
import { transactions } from "../../spi/transactions.ts";
import { Desk, ownBank, secondBank, thirdBank } from "../../testing/bank-app.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { type StrategyWorld, strategyWorld } from "../../testing/strategy-world.ts";
import { given, type TestApp, testApp } from "../../testing/test-app.ts";
import { noticingStrategy } from "../../testing/test-strategies.ts";

const names = ["own_bank", "second_bank", "third_bank"] as const;

/** Another process of the banks of a world, with a bus of its own. */
function besides(world: StrategyWorld): Promise<TestApp> {
  const databases = async (name: string) => world.database((names as readonly string[]).indexOf(name) as 0 | 1 | 2);
  const api: Pick<Store, "database"> = { database: databases };
  const kept = keptCoordinator({ records: new Map(), ended: [], audits: [], now: () => Date.now() }, 100);
  return testApp({
    plugins: [
      given(store, "test", api as Store),
      given(coordinator, "test", kept),
      ...[noticingStrategy, ownBank({}), secondBank({}), thirdBank({})],
    ],
    use: { store: "test", coordinator: "test", bus: "memory", transaction: [noticingStrategy.name] },
    options: { "transaction-policies/config": { table: { "*": { strategy: noticingStrategy.name } } } },
  });
}

const countedIn = ({ kernel }: TestApp, transaction: string) => {
  const { driven } = kernel.get(transactions).numbers.read();
  const { begun = 0, committed = 0, aborted = {} } = driven.find(({ name }) => name === transaction) ?? {};
  return { begun, committed, aborted: Object.values(aborted).reduce((sum, one) => sum + one, 0) };
};

const toldIn = ({ around }: TestApp, gid: string) =>
  around.bus.published.filter(({ id }) => id === `${gid}:end`).length;

await onServer(
  "a key that is used again in another process, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    const cases = [
      { what: "was done", transaction: "move", cents: 5n, status: "committed", by: { committed: 1, aborted: 0 } },
      { what: "was refused", transaction: "move", cents: 5_000n, status: "aborted", by: { committed: 0, aborted: 1 } },
      {
        what: "was refused at its first branch",
        transaction: "pay",
        cents: 5_000n,
        status: "aborted",
        by: { committed: 0, aborted: 1 },
      },
    ] as const;
    for (const { what, transaction, cents, status, by } of cases)
      it(`counts what ${what} where that happened, and tells the bus of it there and here`, async () => {
        await using world = await strategyWorld(server, noticingStrategy);
        await using other = await besides(world);
        const first = await world.run(transaction, { key: "k", cents });
        assert.equal(first.status, status);
        const order = { transaction, key: "k", cents, settled: true, from: "alice", to: "bob", sponsor: "carol" };
        assert.deepEqual(await other.clients.client(Desk).run(order), first);
        for (const app of [world.app, other]) await eventually(() => toldIn(app, first.gid) === 1, 60_000);
        assert.deepEqual(countedIn(world.app, transaction), { begun: 1, ...by });
        assert.deepEqual(countedIn(other, transaction), { begun: 0, committed: 0, aborted: 0 });
      });
  },
);
