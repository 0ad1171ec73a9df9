import assert from "node:assert/strict";
import { it } from "node:test";
import { type AnyTransaction, message, operation, operations, string, transaction } from "../index.ts";
import type { NothingUnlessNamedInUses, PlanBuilder } from "./transaction.ts";

const Text = message("test.v1.Text", { text: string(1) });
const { add } = operations("test.v1.Points", { add: operation(Text, Text) }).operations;
type Start = PlanBuilder<{ readonly text: string }, Record<never, never>>;
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(value?: T) => value;

const planned = (plan: (plan: Start) => unknown) => (): AnyTransaction =>
  transaction("place", { input: Text, needs: { isolation: "none", reply: "accepted" }, plan: plan as never });

it("lets a step wait only for steps before it", () => {
  // @ts-expect-error: no step is before this one
  const first = planned((plan) => plan.step("one", add, (input) => input, { after: ["two"] }));
  assert.throws(first, /step "one" waits for "two", which is not before it/);
  const second = planned((plan) =>
    // @ts-expect-error: there is only "one"
    plan.step("one", add, (input) => input).step("two", add, (input) => input, { after: ["three"] }),
  );
  assert.throws(second, /step "two" waits for "three", which is not before it/);
});

it("gives a step the outputs of the steps it names in uses, and of no others", () => {
  planned((plan) =>
    plan
      .step("one", add, (_, outputs) => {
        yes<Equal<typeof outputs, NothingUnlessNamedInUses>>();
        return { text: "" };
      })
      // @ts-expect-error: it is not named in uses
      .step("two", add, (_, { one }) => one)
      .step("three", add, (_, { one }) => one, { uses: ["one"] }),
  )();
});
