import { z } from "zod";
import { definePlugin } from "../../core/plugin.ts";
import { type TransactionPolicies, transactionPolicies } from "../../spi/transaction-policies.ts";
import { isTransactionKey, transactionFields, transactionPolicyOf } from "../transaction-policy.ts";

const options = z.strictObject({
  table: z
    .record(z.string(), z.strictObject(transactionFields).partial())
    .superRefine((table, context) => {
      for (const key of Object.keys(table).filter((key) => !isTransactionKey(key)))
        context.addIssue({ code: "custom", path: [key], message: 'write "*" or the name of a transaction' });
    })
    .default({})
    .describe("Fields by transaction, or by * for all that say nothing themselves."),
});

/** Transactions as the configuration has them. */
export const transactionPoliciesConfig = definePlugin({
  spi: transactionPolicies,
  name: "config",
  description: "Transactions as the configuration has them",
  options,
  setup: ({ options: { table } }) => {
    const known = new Map<string, ReturnType<TransactionPolicies["of"]>>();
    const of: TransactionPolicies["of"] = (transaction) => {
      const policy = known.get(transaction) ?? transactionPolicyOf(table, transaction);
      known.set(transaction, policy);
      return policy;
    };
    return { api: { of } };
  },
});
