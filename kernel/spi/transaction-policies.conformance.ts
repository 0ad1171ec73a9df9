import assert from "node:assert/strict";
import { conformance } from "../testing/conformance.ts";
import type { TransactionPolicies } from "./transaction-policies.ts";

/** Makes policies that say this, by transaction. */
export type TransactionPoliciesSubject = (
  table: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
) => TransactionPolicies | Promise<TransactionPolicies>;

const law = (law: string, check: (make: TransactionPoliciesSubject) => Promise<void>) => ({ law, check });

/** What every source of transaction policies keeps to. */
export const transactionPoliciesConformance = conformance<TransactionPoliciesSubject>("transaction-policies", [
  law("names no strategy where nothing is said, and gives the other defaults without a source", async (make) => {
    const { strategy, deadlineMs, maxInFlight, scheduleMs, sources } = (await make({})).of("placeOrder");
    assert.equal(strategy, undefined);
    assert.equal(deadlineMs, undefined);
    assert.ok(maxInFlight >= 1);
    assert.ok(scheduleMs.length > 0);
    assert.deepEqual(sources, {});
  }),
  law("takes each field from the transaction itself, else from *, and names where from", async (make) => {
    const policies = await make({
      placeOrder: { strategy: "tcc", deadlineMs: 0 },
      "*": { strategy: "saga", maxInFlight: 7 },
    });
    const { strategy, deadlineMs, maxInFlight, sources } = policies.of("placeOrder");
    assert.deepEqual({ strategy, deadlineMs, maxInFlight }, { strategy: "tcc", deadlineMs: 0, maxInFlight: 7 });
    assert.deepEqual(sources, { strategy: "placeOrder", deadlineMs: "placeOrder", maxInFlight: "*" });
    assert.equal(policies.of("payOrder").strategy, "saga");
  }),
  law("keeps the schedule of notices in its order", async (make) => {
    const policies = await make({ tell: { strategy: "best-effort", scheduleMs: [5, 1, 60_000] } });
    assert.deepEqual(policies.of("tell").scheduleMs, [5, 1, 60_000]);
  }),
  law("does not take a name every object has for one that is written", async (make) => {
    assert.equal((await make({})).of("constructor").strategy, undefined);
  }),
  law("gives nothing that could be changed", async (make) => {
    const policy = (await make({ "*": { strategy: "saga" } })).of("placeOrder");
    for (const part of [policy, policy.scheduleMs, policy.sources]) assert.ok(Object.isFrozen(part));
  }),
]);
