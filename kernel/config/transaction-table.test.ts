import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { message, operation, operations, rpc, service, string, transaction } from "../contract/index.ts";
import { builtInStrategies } from "../contract/transaction/strategy.ts";
import { pluginEntry } from "../core/definitions.ts";
import { plan } from "../core/plan.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { formatProblem } from "../core/problems.ts";
import { checkTransactions } from "../runtime/check-transactions.ts";
import { transactionsRuntime } from "../runtime/plugins/transactions-runtime.ts";
import { runtimePlugins } from "../runtime/runtime-plugins.ts";
import { transactionProblems } from "../runtime/transaction/honesty.ts";
import { coordinator } from "../spi/coordinator.ts";
import { defineService } from "../spi/define-service.ts";
import { protocol } from "../spi/protocol.ts";
import { transaction as strategy } from "../spi/transaction.ts";
import { transactionPolicies } from "../spi/transaction-policies.ts";
import { initiates, transactions } from "../spi/transactions.ts";
import { basicPlugins, surroundings } from "../testing/test-app.ts";
import { coreConfig } from "./core-config.ts";
import { readConfig } from "./read-config.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { undo: true }) });
const Coupons = operations("test.v1.Coupons", {
  use: operation(Text, Text, { rejects: ["USED"], expiresMs: 600_000 }),
});
const place = transaction("placeOrder", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (steps) =>
    steps
      .step("order", Orders.operations.create, (input) => input)
      .step("coupon", Coupons.operations.use, (input) => input),
});

const made = (spi: Parameters<typeof definePlugin>[0]["spi"], name: string, facts = {}): Plugin =>
  definePlugin({ spi, name, description: name, facts, setup: () => assert.fail("nothing runs") });
const strategies = Object.entries(builtInStrategies).map(([name, facts]) => made(strategy, name, facts));
const runtime = definePlugin({
  ...{ spi: transactions, name: "runtime", description: "runtime" },
  ...(transactionsRuntime.options && { options: transactionsRuntime.options }),
  setup: () => assert.fail("nothing runs"),
});
const others = [runtime, made(protocol, "grpc"), made(transactionPolicies, "fixed")];

const begins = (name: string, what = place) =>
  defineService(service(`test.v1.${name}`, { go: rpc(Text, Text) }), {
    description: name,
    name: name.toLowerCase(),
    needs: { place: initiates(what) },
    setup: () => assert.fail("nothing runs"),
  });

function check(text: string, services: readonly Plugin[] = [begins("Shop")], more: readonly Plugin[] = []) {
  const names = services.map(({ name }) => name).join(", ");
  const read = readConfig({ sources: [{ file: "shop.yaml", text: `app: shop\nservices: [${names}]\n${text}` }] });
  const own = runtimePlugins.filter(({ spi }) => spi.id !== transactions.id);
  const plugins = [...strategies, ...others, ...more, ...services, ...basicPlugins(surroundings()), ...own];
  const core = coreConfig(
    read,
    plugins.map((plugin) => pluginEntry(plugin)),
  );
  const { plan: planned, problems } = plan(plugins, core);
  const checked = planned && checkTransactions(planned, read.file.transactions);
  return {
    read: read.problems.map(formatProblem),
    planned: problems.map(formatProblem),
    found: (checked?.problems ?? []).map(formatProblem),
    warned: (checked?.warnings ?? []).map(formatProblem),
    core,
    plan: planned,
  };
}

describe("transactions in an app file", () => {
  it("reach the policies of transactions, and bring all strategies", () => {
    const { read, planned, found, warned, core, plan } = check(
      'transactions:\n  placeOrder: { strategy: tcc, deadlineMs: 20000 }\n  "*": { strategy: saga }',
    );
    assert.deepEqual([read, planned, found, warned], [[], [], [], []]);
    assert.deepEqual(core.options["transaction-policies/config"], {
      table: { placeOrder: { strategy: "tcc", deadlineMs: 20_000 }, "*": { strategy: "saga" } },
    });
    assert.deepEqual(core.use.transaction, ["3pc", "best-effort", "local", "message", "outbox", "saga", "tcc", "xa"]);
    assert.equal(plan?.serving.get("transaction")?.length, 8);
    assert.deepEqual(core.locate?.(["use", "transaction", 6]), { file: "shop.yaml", line: 4, column: 27 });
    assert.deepEqual(core.locate?.(["use", "transaction", 0]), { file: "shop.yaml", line: 3, column: 1 });
  });

  it("keep to the strategies an app lists, and add only what is named", () => {
    const { core } = check("use: { transaction: [xa] }\ntransactions: { placeOrder: { strategy: tcc } }");
    assert.deepEqual(core.use.transaction, ["xa", "tcc"]);
    assert.equal(check("").core.use.transaction, undefined);
  });

  it("are refused with names, fields and values that are none, each in its place", () => {
    const { read } = check(
      "transactions:\n  place-order: { strategy: tcc }\n  placeOrder: { stratgy: tcc, deadlineMs: soon, scheduleMs: [1, -1] }",
    );
    assert.equal(read.length, 4, read.join("\n"));
    assert.match(read[0] ?? "", /^shop\.yaml:4:3 {2}"place-order" is no name of a transaction/);
    assert.match(
      read[1] ?? "",
      /^shop\.yaml:5:17 {2}unknown field "stratgy" of a transaction\. Did you mean strategy\?/,
    );
    assert.match(
      read[2] ?? "",
      /^shop\.yaml:5:43 {2}transactions\.placeOrder\.deadlineMs is the text "soon"; expected number$/,
    );
    assert.match(read[3] ?? "", /transactions\.placeOrder\.scheduleMs\.1 is the number -1; expected number to be >=0$/);
  });

  it("are refused without a strategy, and with one that is not there, and tell the honest ones", () => {
    const unnamed = check("").found;
    assert.equal(unnamed.length, 1);
    assert.match(unnamed[0] ?? "", /^shop\.yaml:2:12 {2}transaction placeOrder: DTX001 strategy: none is named\./);
    assert.match(unnamed[0] ?? "", / Write transactions\.placeOrder\.strategy, one of xa, 3pc, tcc\.$/);
    const { found } = check('transactions: { "*": { strategy: tca } }');
    assert.equal(found.length, 1);
    assert.match(found[0] ?? "", /^shop\.yaml:3:34 .*DTX001 tca: there is no such strategy\. Did you mean tcc\?/);
    assert.match(found[0] ?? "", /Honest here: 3pc, tcc, xa\.$/m);
  });

  it("are refused with a dishonest strategy, with all reasons at once", () => {
    const { found } = check("transactions: { placeOrder: { strategy: outbox } }");
    assert.deepEqual(
      found.map((text) => /DTX\d+/.exec(text)?.[0]),
      ["DTX004", "DTX019"],
    );
    assert.match(
      found[0] ?? "",
      /^shop\.yaml:3:41 {2}transaction placeOrder: DTX004 outbox: step 'coupon' may be refused/,
    );
    const saga = check("transactions: { placeOrder: { strategy: saga } }").found;
    assert.match(saga[0] ?? "", /DTX002 saga: step 'coupon' has no undo/);
    const slow = check("transactions: { placeOrder: { strategy: tcc, deadlineMs: 700000 } }").found;
    assert.match(slow[0] ?? "", /^shop\.yaml:3:58 .*DTX014 tcc: step 'coupon' keeps its reservation for 600000 ms/);
  });

  it("are refused where repetitions may come when fences have forgotten, by the field that is to blame", () => {
    const hourMs = 3_600_000;
    const keeps = (days: number, policy: string) =>
      check(
        `options: { transactions/runtime: { fenceRetentionDays: ${days} } }\ntransactions: { placeOrder: { ${policy} } }`,
      );
    const late = keeps(1, "strategy: tcc, deadlineMs: 86400000").found;
    assert.equal(late.length, 2, "reservations do not last as long either");
    const told = transactionProblems(
      place,
      { strategy: "tcc", deadlineMs: 24 * hourMs },
      new Map(Object.entries(builtInStrategies)),
      {
        performedHere: new Set(),
        retentionMs: 24 * hourMs,
      },
    );
    for (const [n, { headline }] of told.entries()) {
      assert.ok(late[n]?.includes(headline), late[n]);
      assert.match(late[n] ?? "", /^shop\.yaml:4:58 /);
    }
    assert.match(late[1] ?? "", /fence rows are kept for 86400000 ms, and a repetition may come after 86400000 ms/);
    assert.deepEqual(keeps(0, "strategy: tcc, deadlineMs: 500000").found, []);
    const notices = (days: number) =>
      keeps(days, "strategy: best-effort, scheduleMs: [1000, 86400000]").found.filter((text) =>
        text.includes("DTX014"),
      );
    assert.match(notices(1)[0] ?? "", /^shop\.yaml:4:54 .*a repetition may come after 86401000 ms/);
    assert.deepEqual([notices(2), notices(0)], [[], []]);
    assert.deepEqual(notices(14), []);
  });

  it("are refused where the coordinator forgets before fences do", () => {
    const keeps = (days: number) =>
      check(
        "use: { coordinator: keeps }\ntransactions: { placeOrder: { strategy: tcc, deadlineMs: 500000 } }",
        undefined,
        [made(coordinator, "keeps", { keepsEndedMs: () => days * 86_400_000 })],
      );
    assert.deepEqual([keeps(15).planned, keeps(15).found], [[], []]);
    const [found = "", ...others] = keeps(7).found;
    assert.match(found, /DTX014 tcc: the coordinator keeps what has ended for 604800000 ms, .*`retentionDays`/);
    assert.deepEqual(others, []);
  });

  it("are warned about when nothing here begins them but something of nearly their name", () => {
    const { warned } = check('transactions: { placeOrders: { strategy: tcc }, payOut: {}, "*": { strategy: tcc } }');
    assert.deepEqual(warned, [
      "shop.yaml:3:17  no service here begins a transaction placeOrders. Did you mean placeOrder?",
    ]);
  });

  it("have one meaning per name", () => {
    const other = transaction("placeOrder", {
      input: Text,
      needs: { isolation: "none", reply: "accepted" },
      plan: (steps) => steps.step("order", Orders.operations.create, (input) => input),
    });
    const same = check('transactions: { "*": { strategy: tcc } }', [begins("Shop"), begins("Desk")]);
    assert.deepEqual(same.found, []);
    const { found } = check('transactions: { "*": { strategy: tcc } }', [
      begins("Shop"),
      begins("Desk", other as never),
    ]);
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? "",
      /^shop\.yaml:2:18 {2}service\/desk begins another transaction placeOrder than service\/shop/,
    );
  });

  it("are left to another source of them where the app selects one", () => {
    const text = "use: { transaction-policies: fixed }\ntransactions: { placeOrder: { strategy: outbox } }";
    const { core, planned, found } = check(text);
    assert.equal(core.options["transaction-policies/config"], undefined);
    assert.deepEqual([planned, found], [[], []]);
  });
});
