import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { message, operation, operations, rpc, service, string, transaction } from "../contract/index.ts";
import { builtInStrategies } from "../contract/transaction/strategy.ts";
import { pluginEntry } from "../core/definitions.ts";
import { plan } from "../core/plan.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { formatProblem } from "../core/problems.ts";
import { checkTransactions } from "../runtime/check-transactions.ts";
import { runtimePlugins } from "../runtime/runtime-plugins.ts";
import { transactionPolicyOf } from "../runtime/transaction-policy.ts";
import { defineService } from "../spi/define-service.ts";
import { protocol } from "../spi/protocol.ts";
import { transaction as strategy } from "../spi/transaction.ts";
import { initiates, transactions } from "../spi/transactions.ts";
import { basicPlugins, surroundings } from "../testing/test-app.ts";
import { installedStrategies } from "./chosen.ts";
import { coreConfig } from "./core-config.ts";
import { readConfig } from "./read-config.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { undo: true }) });
const Coupons = operations("test.v1.Coupons", { use: operation(Text, Text, { rejects: ["USED"] }) });
const place = transaction("placeOrder", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (steps) =>
    steps
      .step("order", Orders.operations.create, (input) => input)
      .step("coupon", Coupons.operations.use, (input) => input),
});
const shop = defineService(service("test.v1.Shop", { go: rpc(Text, Text) }), {
  description: "Sells",
  name: "shop",
  needs: { place: initiates(place) },
  setup: () => assert.fail("nothing runs"),
});
const made = (spi: Parameters<typeof definePlugin>[0]["spi"], name: string, facts = {}): Plugin =>
  definePlugin({ spi, name, description: name, facts, setup: () => assert.fail("nothing runs") });
const plugins = [
  ...Object.entries(builtInStrategies).map(([name, facts]) => made(strategy, name, facts)),
  ...[made(transactions, "runtime"), made(protocol, "grpc"), shop],
  ...basicPlugins(surroundings()),
  ...runtimePlugins.filter(({ spi }) => spi.id !== transactions.id),
];
const catalogue = plugins.map((plugin) => pluginEntry(plugin));

interface Layers {
  readonly app?: string;
  readonly profile?: string;
  readonly central?: string;
  readonly set?: readonly string[];
}

const inFile = 'transactions: { placeOrder: { strategy: tcc, deadlineMs: 20000 }, "*": { strategy: xa } }';

/** The app with its layers, checked as `mortise config put` and every process check it. */
function ruled({ app = inFile, profile, central, set = [] }: Layers) {
  const read = readConfig({
    sources: [
      { file: "shop.yaml", text: `app: shop\nservices: [shop]\n${app}` },
      ...(profile === undefined ? [] : [{ file: "shop.local.yaml", text: profile }]),
    ],
    ...(central !== undefined && { central: { file: "central rules 7", text: central } }),
    set,
  });
  const core = coreConfig(read, catalogue);
  const { plan: planned, problems } = plan(plugins, core);
  const background = { installed: installedStrategies(catalogue), takenAway: read.takenAway };
  const checked = planned && checkTransactions(planned, read.file.transactions, background);
  const policy = transactionPolicyOf(read.file.transactions, "placeOrder");
  const from = (field: string) => {
    const { file, line, column } = read.locate(["transactions", policy.sources[field] ?? "", field]);
    return `${file}:${line}:${column}`;
  };
  const found = [...read.problems, ...problems, ...(checked?.problems ?? [])].map(formatProblem);
  return { policy, from, found, use: core.use.transaction };
}

describe("central rules for transactions", () => {
  it("lie over the app file and its profile field by field, each value with its place", () => {
    const { policy, from, found } = ruled({
      profile: "transactions: { placeOrder: { maxInFlight: 5 } }",
      central: "transactions:\n  placeOrder: { strategy: 3pc }",
    });
    assert.deepEqual(found, []);
    assert.deepEqual([policy.strategy, policy.deadlineMs, policy.maxInFlight], ["3pc", 20_000, 5]);
    assert.equal(from("strategy"), "central rules 7:2:27");
    assert.equal(from("deadlineMs"), "shop.yaml:3:58");
    assert.equal(from("maxInFlight"), "shop.local.yaml:1:44");
  });

  it("lie under what is set for one process", () => {
    const central = "transactions: { placeOrder: { strategy: 3pc, deadlineMs: 7 } }";
    const { policy, from } = ruled({ central, set: ["transactions.placeOrder.strategy=xa"] });
    assert.deepEqual([policy.strategy, policy.deadlineMs], ["xa", 7]);
    assert.equal(from("deadlineMs"), "central rules 7:1:58");
  });

  it("for all transactions do not beat what the app file says of one", () => {
    const { policy } = ruled({ central: 'transactions: { "*": { strategy: 3pc, maxInFlight: 9 } }' });
    assert.deepEqual([policy.strategy, policy.maxInFlight], ["tcc", 9]);
  });

  it("take a field away with null, and what else is said of it holds then", () => {
    const field = ruled({ central: "transactions: { placeOrder: { strategy: null } }" });
    assert.deepEqual([field.policy.strategy, field.policy.deadlineMs, field.found], ["xa", 20_000, []]);
    const all = ruled({ central: "transactions: { placeOrder: null }" });
    assert.deepEqual([all.policy.strategy, all.policy.deadlineMs, all.found], ["xa", undefined, []]);
  });

  it("are refused where they take the last strategy away, in the place of the null", () => {
    const app = "transactions: { placeOrder: { strategy: tcc } }";
    for (const [central, place] of [
      ["transactions:\n  placeOrder: { strategy: null }", "2:27"],
      ["transactions:\n  placeOrder: null", "2:15"],
      ["transactions: null", "1:15"],
    ] as const) {
      const { found } = ruled({ app, central });
      assert.equal(found.length, 1, central);
      assert.ok(
        found[0]?.startsWith(`central rules 7:${place}  transaction placeOrder: DTX001 strategy: none is named.`),
      );
    }
    const { found } = ruled({ app, profile: "transactions: { placeOrder: null }", central: "policies: {}" });
    assert.match(found[0] ?? "", /^shop\.local\.yaml:1:29 {2}.*DTX001/);
  });

  it("are refused with a dishonest strategy, and with values that mean nothing, in their place", () => {
    const saga = ruled({ central: "x-why: more orders\ntransactions:\n  placeOrder: { strategy: saga }" }).found;
    assert.equal(saga.length, 1);
    assert.match(
      saga[0] ?? "",
      /^central rules 7:3:27 {2}transaction placeOrder: DTX002 saga: step 'coupon' has no undo\. .*Honest here: .*tcc/,
    );
    const { found } = ruled({
      central:
        "transactions:\n  place-order: { strategy: tcc }\n  placeOrder: { stratgy: xa, deadlineMs: soon, maxInFlight: $" +
        "{MANY} }",
    });
    assert.match(found[0] ?? "", /^central rules 7:2:3 {2}"place-order" is no name of a transaction/);
    assert.match(found[1] ?? "", /^central rules 7:3:17 {2}unknown field "stratgy" of a transaction/);
    assert.match(found[2] ?? "", /^central rules 7:3:42 .*deadlineMs is the text "soon"/);
    assert.match(found[3] ?? "", /^central rules 7:3:61 {2}central rules take no variables/);
  });

  it("and policies are all there is, and may stand side by side", () => {
    assert.deepEqual(
      ruled({ central: 'policies: { "*": { timeoutMs: 5 } }\ntransactions: { payOut: { strategy: xa } }' }).found,
      [],
    );
    const { found } = ruled({ central: "transaction: { placeOrder: { strategy: xa } }" });
    assert.deepEqual(found, [
      'central rules 7:1:1  "transaction" cannot be set centrally; central rules hold policies and transactions, did you mean transactions?',
    ]);
    assert.match(
      ruled({ central: "[transactions]" }).found[0] ?? "",
      /are a map with policies and transactions, not a list/,
    );
  });

  it("leave every strategy at hand, so that what began under another one can end", () => {
    const without = ruled({}).use;
    assert.equal(without?.length, 8);
    assert.deepEqual(ruled({ central: "transactions: { placeOrder: { strategy: 3pc } }" }).use, without);
  });

  it("move transactions only among the strategies an app lists or names itself, which stay", () => {
    const app = `use: { transaction: [xa] }\n${inFile}`;
    const back = ruled({ app, central: "transactions: { placeOrder: { strategy: xa } }" });
    assert.deepEqual([back.found, back.use], [[], ["xa", "tcc"]]);
    const { found, use } = ruled({ app, central: "transactions: { placeOrder: { strategy: 3pc } }" });
    assert.deepEqual(use, ["xa", "tcc"]);
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? "",
      /^central rules 7:1:41 {2}.*DTX001 3pc: it is not listed under use\.transaction\. .*Honest here: xa, tcc\.$/,
    );
    const set = ruled({ app, central: "{}", set: ["transactions.placeOrder.strategy=3pc"] });
    assert.deepEqual([set.found, set.use], [[], ["xa", "3pc"]]);
  });
});
