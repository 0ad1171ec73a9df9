import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { message, operation, operations, string, transaction } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { transactionProblems } from "./honesty.ts";

const Text = message("test.v1.Text", { text: string(1) });
const rejects = ["TOO_POOR", "UNKNOWN"] as const;
const Shop = operations("test.v1.Shop", {
  take: operation(Text, Text, { undo: true }),
  pay: operation(Text, Text, { undo: true, rejects }),
});
const Bank = operations("test.v1.Bank", { pay: operation(Text, Text, { undo: true, rejects }) });
const needs = { isolation: "none", reply: "accepted" } as const;
const { take, pay } = Shop.operations;
const same = (input: { readonly text: string }) => input;
const strategies = new Map(Object.entries(builtInStrategies));

function said(one: unknown, strategy?: string, known = strategies, installed: readonly string[] = []): string[] {
  const policy = strategy === undefined ? {} : { strategy };
  const world = { installed: new Set(installed) };
  return transactionProblems(one as AnyTransaction, policy, known, world).map((problem) => problem.message);
}

const three = transaction("three", {
  ...{ input: Text, needs },
  plan: (plan) =>
    plan
      .step("take", take, same)
      .step("one", Bank.operations.pay, (_, { take }) => take, { uses: ["take"] })
      .step("two", pay, (_, { one }) => one, { uses: ["one"] }),
});
const late = transaction("late", {
  ...{ input: Text, needs },
  plan: (plan) => plan.step("take", take, same).step("later", Bank.operations.pay, same, { afterCommit: true }),
});

describe("what is said about a transaction that cannot be driven", () => {
  it("names the reasons of what may be refused, and gives each advice once", () => {
    const [first, second, ...others] = said(three, "outbox").filter((text) => text.includes("DTX004"));
    assert.deepEqual(others, []);
    assert.match(
      first ?? "",
      /^transaction three: DTX004 outbox: step 'one' may be refused when there is no way back\. Operation test\.v1\.Bank\.pay rejects TOO_POOR, UNKNOWN\. Put the step .* Honest here: /,
    );
    assert.equal(
      second,
      "transaction three: DTX004 outbox: step 'two' may be refused when there is no way back. Operation test.v1.Shop.pay rejects TOO_POOR, UNKNOWN.",
    );
  });

  it("names the steps of branches that may wait for each other", () => {
    const [text] = said(three, "xa");
    assert.match(
      text ?? "",
      /two branches of 'test\.v1\.Shop' may wait for each other\. Steps 'take' and 'two' are in branches of their own\. Put/,
    );
  });

  it("says so where no strategy is honest, and what speaks against all of them", () => {
    const [text] = said(late, "tcc");
    assert.match(
      text ?? "",
      /'later' may be refused after the commit\. .*No strategy is honest about it as it is: DTX016 'later' under all of them\.$/,
    );
    assert.equal(
      said(late)[0],
      "transaction late: DTX001 strategy: none is named. No strategy is honest about it as it is: DTX016 'later' under all of them.",
    );
  });

  it("tells what to write where no strategy is named, is there, or is listed", () => {
    const few = new Map([...strategies].filter(([name]) => name === "tcc" || name === "saga"));
    assert.deepEqual(said(three, undefined, few), [
      "transaction three: DTX001 strategy: none is named. Write transactions.three.strategy, one of tcc, saga.",
    ]);
    assert.deepEqual(said(three, "tca", few), [
      "transaction three: DTX001 tca: there is no such strategy. Did you mean tcc? (saga, tcc) Name one that is there, or install the plugin that has it. Honest here: tcc, saga.",
    ]);
    assert.deepEqual(said(three, "message", few, ["message"]), [
      "transaction three: DTX001 message: it is not listed under use.transaction. List it under `use.transaction`, or name one that is listed. Honest here: tcc, saga.",
    ]);
  });
});
