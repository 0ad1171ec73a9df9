import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { message, operation, operations, string, transaction } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { Transactions } from "../../spi/transactions.ts";
import { keptLog } from "../../testing/logs.ts";
import { startPlugin } from "../../testing/start-plugin.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { transactionsRuntime } from "../plugins/transactions-runtime.ts";
import { type TransactionTable, transactionPolicyOf } from "../transaction-policy.ts";
import { beforehand } from "./beforehand.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Stock = operations("test.v1.Stock", { take: operation(Text, Text, { undo: true }) });
const Goods = operations("test.v1.Goods", { take: operation(Text, Text, { undo: true }) });
const buy = transaction("buy", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan.step("stock", Stock.operations.take, (input) => input).step("goods", Goods.operations.take, (input) => input),
});

const policiesOf = (table: TransactionTable) => ({ of: (name: string) => transactionPolicyOf(table, name) });

function world(complete = true) {
  const ports = virtualPorts();
  const log = keptLog();
  const looks: boolean[] = [];
  const state = { policies: policiesOf({ buy: { strategy: "tcc" } }), complete };
  const worker = beforehand({
    ports,
    log,
    policies: () => state.policies,
    factsOf: (name) => builtInStrategies[name as keyof typeof builtInStrategies],
    initiated: new Map([["buy", buy]]),
    look: async (_, { missed }) => {
      looks.push(missed);
      return state.complete;
    },
  });
  worker.start();
  return { ports, log, looks, state, worker };
}

describe("the look at transactions before they begin", () => {
  it("is taken at the start and after each change, and at no other time", async () => {
    const { ports, looks, state, worker } = world();
    await ports.advance(600_000);
    assert.equal(looks.length, 1);
    state.policies = policiesOf({ buy: { strategy: "tcc", maxInFlight: 7 } });
    await ports.advance(600_000);
    assert.equal(looks.length, 2);
    await worker.stop();
  });

  it("is taken again, ever more rarely, while somebody does not answer, who is missed from then on", async () => {
    const { ports, looks, state, worker } = world(false);
    await ports.advance(4_000);
    assert.deepEqual(looks, [false]);
    await ports.advance(20_000);
    assert.deepEqual(looks, [false, true, true]);
    await ports.advance(3_600_000);
    assert.ok(looks.length < 25, `${looks.length} looks in an hour`);
    const before = looks.length;
    state.complete = true;
    await ports.advance(400_000);
    assert.equal(looks.length, before + 1);
    await worker.stop();
  });

  it("tells a change of the strategy, and none of another field", async () => {
    const { ports, log, state, worker } = world();
    await ports.advance(5_000);
    state.policies = policiesOf({ buy: { strategy: "tcc", maxInFlight: 7 } });
    await ports.advance(5_000);
    assert.deepEqual(log.lines, []);
    state.policies = policiesOf({ buy: { strategy: "saga" } });
    await ports.advance(5_000);
    assert.deepEqual(
      log.lines.map(({ level, message }) => [level, message]),
      [["info", "transaction buy: tcc -> saga, for what begins from now on"]],
    );
    await worker.stop();
  });

  it("is taken by whoever runs transactions, and tells once what cannot begin", async () => {
    const ports = virtualPorts();
    const log = keptLog();
    const policies = { current: policiesOf({ buy: { strategy: "tcc" } }) };
    const manifest = async () => ({
      operations: [{ name: "take", version: 1 }],
      ...{ database: "1/stock", preparedTransactions: 64, defaultIsolation: "read committed", fenceVersion: 1 },
    });
    const { api, stop } = await startPlugin<Transactions>(transactionsRuntime, {
      ...{ ports, log },
      deps: {
        clients: { current: { client: () => ({ manifest }), publisher: () => async () => undefined } },
        coordinator: {
          current: {
            ...{ identity: "", health: async () => ({ durable: true, replicated: true }), counts: async () => [] },
            claim: async () => [],
          },
        },
        policies,
        strategies: {
          current: new Map(Object.entries(builtInStrategies).map(([name, facts]) => [name, { facts }])),
        },
        tracer: { current: undefined },
        faults: { current: undefined },
        bus: { current: { durable: true } },
      },
    });
    api.initiator(buy);
    await ports.advance(60_000);
    assert.equal(log.lines.length, 0);
    policies.current = policiesOf({ buy: { strategy: "xa", maxInFlight: 1_000 } });
    await ports.advance(60_000);
    const said = [...log.lines];
    const [told, wrong] = said;
    assert.equal(told?.message, "transaction buy: tcc -> xa, for what begins from now on");
    assert.equal(wrong?.level, "error");
    assert.match(
      wrong?.message ?? "",
      /^transaction buy cannot begin: DTX008 xa: .* prepares 64 .* the 2 branches of each of 1000 \(maxInFlight\)\. /,
    );
    await assert.rejects(api.initiator(buy).run({ text: "" }), /DTX008/);
    assert.equal(said.length, 2);
    assert.deepEqual(log.lines, said, "the begin says nothing new");
    await ports.settle(Promise.resolve(stop?.()));
  });
});
