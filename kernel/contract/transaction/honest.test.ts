import assert from "node:assert/strict";
import { it } from "node:test";
import {
  type HonestStrategy,
  honest,
  message,
  operation,
  operations,
  type StrategyProblem,
  string,
  transaction,
} from "../index.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { rejects: ["CLOSED"], undo: true }) });
const Coupons = operations("test.v1.Coupons", { use: operation(Text, Text, { rejects: ["USED"] }) });
const Stock = operations("test.v1.Stock", { deduct: operation(Text, Text, { rejects: ["GONE"], undo: true }) });
const Points = operations("test.v1.Points", { add: operation(Text, Text) });

const place = transaction("place", {
  input: Text,
  needs: { isolation: "reserved", reply: "final" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("coupon", Coupons.operations.use, (input) => input)
      .step("stock", Stock.operations.deduct, (_, { order }) => order, { uses: ["order"], pivot: true })
      .step("points", Points.operations.add, (_, { stock }) => stock, { uses: ["stock"], afterCommit: true }),
});

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(value?: T) => value;

it("tells for each strategy why it would be dishonest about a plan", () => {
  yes<Equal<StrategyProblem<typeof place, "tcc">, never>>();
  yes<Equal<StrategyProblem<typeof place, "xa">, never>>();
  yes<
    Equal<
      StrategyProblem<typeof place, "saga">,
      "DTX002 saga: step 'coupon' has no undo" | "DTX005 saga: isolation is 'none' where 'reserved' is needed"
    >
  >();
  yes<
    Equal<
      StrategyProblem<typeof place, "local">,
      | "DTX018 local: step 'coupon' is in another database transaction than the first"
      | "DTX018 local: step 'stock' is in another database transaction than the first"
      | "DTX018 local: step 'points' is in another database transaction than the first"
    >
  >();
  yes<
    Equal<
      StrategyProblem<typeof place, "outbox">,
      | "DTX004 outbox: step 'coupon' may be refused when there is no way back"
      | "DTX004 outbox: step 'stock' may be refused when there is no way back"
      | "DTX005 outbox: isolation is 'none' where 'reserved' is needed"
      | "DTX006 outbox: it answers before the outcome is final"
      | "DTX017 outbox: step 'points' uses the output of step 'stock', which does not come back"
    >
  >();
  yes<Equal<StrategyProblem<typeof place, "sga">, "DTX001 sga: there is no such strategy">>();
  yes<Equal<HonestStrategy<typeof place>, "tcc" | "xa" | "3pc">>();
});

it("lets only honest strategies be named", () => {
  assert.equal(honest(place, "tcc"), "tcc");
  // @ts-expect-error: DTX002 and DTX005
  assert.equal(honest(place, "saga"), "saga");
  // @ts-expect-error: DTX001
  assert.equal(honest(place, "sga"), "sga");
});
