import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { message, operation, operations, string, transaction } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import { dueTopic } from "../../contract/transaction/topics.ts";
import { onlyDone } from "../../spi/driving.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import type { TransactionStrategy } from "../../spi/transaction.ts";
import type { Transactions } from "../../spi/transactions.ts";
import { startPlugin } from "../../testing/start-plugin.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { transactionsRuntime } from "../plugins/transactions-runtime.ts";
import { transactionPolicyOf } from "../transaction-policy.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Stock = operations("test.v1.Stock", { take: operation(Text, Text, { rejects: [], undo: true }) });
const Goods = operations("test.v1.Goods", { send: operation(Text, Text, { rejects: [], undo: true }) });
const buy = transaction("buy", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan.step("stock", Stock.operations.take, (input) => input).step("goods", Goods.operations.send, (input) => input),
});

/** Has everything done, in order. */
const plain: TransactionStrategy = {
  facts: builtInStrategies.saga,
  async run(t) {
    await t.begin();
    onlyDone(await t.forward(t.branches, "apply"));
    await t.finish(await t.decide("committing"));
  },
  async resume(t) {
    onlyDone(await t.forward(t.branches, "apply"));
    await t.finish(await t.decide("committing"));
  },
  force: async (t, decision) => t.decide(decision),
};

/** Processes with one coordinator and one bus; they look for what is due once an hour. */
function world() {
  const ports = virtualPorts();
  const records = new Map();
  const keeping = keptCoordinator({ records, ended: [], audits: [], now: () => ports.clock.wall() }, 100);
  const hints: string[] = [];
  return {
    ports,
    hints,
    ended: () => [...records.values()].filter(({ status }) => status === "committed").length,
    async process(up: { participants: boolean }) {
      const asked: string[] = [];
      const clients = {
        client: ({ name }: { name: string }) => ({
          drive: async ({ action, steps }: { action: string; steps: readonly { step: string }[] }) => {
            asked.push(`${action} ${steps[0]?.step}`);
            if (!up.participants) throw new StatusError("UNAVAILABLE", "it is away");
            return { outcome: "done", results: [], note: "" };
          },
          manifest: async () => ({
            operations: [{ name: name === Stock.name ? "take" : "send", version: 1 }],
            ...{ database: `1/${name}`, preparedTransactions: 0, defaultIsolation: "read committed", fenceVersion: 1 },
          }),
        }),
        publisher: (topic: { name: string }) => async () => {
          if (topic.name === dueTopic(buy.name).name) hints.push(topic.name);
        },
      };
      const { api, stop } = await startPlugin<Transactions>(transactionsRuntime, {
        ports,
        options: { recoverEveryMs: 3_600_000, graceMs: 100, leaseMs: 3_600_000, maxBackoffMs: 1_000 },
        deps: {
          clients: { current: clients },
          coordinator: { current: { ...keeping, health: async () => ({ durable: true, replicated: true }) } },
          policies: {
            current: { of: () => ({ ...transactionPolicyOf({}, buy.name), strategy: "saga", deadlineMs: 600_000 }) },
          },
          strategies: { current: new Map([["saga", plain]]) },
          tracer: { current: undefined },
          faults: { current: undefined },
          bus: { current: { durable: true } },
        },
      });
      const { run } = api.initiator(buy);
      const hint = api.listens(buy).find(({ topic }) => topic.name === dueTopic(buy.name).name);
      assert.ok(hint);
      return {
        asked,
        run,
        stop: () => ports.settle(Promise.resolve(stop?.())),
        hear: () => ports.settle(Promise.resolve((hint.handler as () => Promise<void>)())),
      };
    },
  };
}

describe("a process that stops", () => {
  it("lets go of what it has not ended, and another that hears of it goes on at once", async () => {
    const { ports, hints, ended, process } = world();
    const [one, other] = [await process({ participants: false }), await process({ participants: true })];
    one.run({ text: "a" }).catch(() => undefined);
    await ports.advance(1_000);
    assert.ok(one.asked.length > 0);
    await other.hear();
    assert.deepEqual([ended(), other.asked], [0, []]); // the first still works on it
    const stopped = one.stop();
    await ports.advance(200);
    await stopped;
    assert.equal(hints.length, 1);
    await other.hear();
    await ports.advance(1);
    assert.deepEqual([ended(), other.asked], [1, ["apply stock", "apply goods"]]);
    await other.stop();
  });

  it("tells nobody when it has ended all it began", async () => {
    const { hints, ended, ports, process } = world();
    const one = await process({ participants: true });
    await ports.settle(one.run({ text: "a" }));
    await one.stop();
    assert.deepEqual([ended(), hints], [1, []]);
  });
});
