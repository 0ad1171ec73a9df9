import assert from "node:assert/strict";
import { it } from "node:test";
import type { TransactionPolicies } from "@mortise/kernel";
import { transactionPoliciesConformance } from "@mortise/kernel/spi/transaction-policies.conformance";
import { startPlugin } from "@mortise/kernel/testing";
import { transactionPoliciesConfig } from "./config.ts";

transactionPoliciesConformance({
  name: "config",
  make: () => ({
    subject: async (table) =>
      (await startPlugin<TransactionPolicies>(transactionPoliciesConfig, { options: { table } })).api,
  }),
});

it("refuses names that are none, fields it does not know and values that mean nothing", async () => {
  const start = (table: unknown) => startPlugin(transactionPoliciesConfig, { options: { table } });
  await assert.rejects(start({ "place-order": { strategy: "tcc" } }), /place-order: write "\*" or the name/);
  await assert.rejects(start({ placeOrder: { stratgy: "tcc" } }), /stratgy/);
  await assert.rejects(start({ placeOrder: { deadlineMs: -1 } }), /deadlineMs/);
  await assert.rejects(start({ placeOrder: { scheduleMs: [] } }), /scheduleMs/);
});
