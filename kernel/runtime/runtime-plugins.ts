import type { Plugin } from "../core/plugin.ts";
import { clientsRuntime } from "./plugins/clients-runtime.ts";
import { directoryRegistry } from "./plugins/directory-registry.ts";
import { policiesConfig } from "./plugins/policies-config.ts";
import { serverRuntime } from "./plugins/server-runtime.ts";
import { transactionPoliciesConfig } from "./plugins/transaction-policies-config.ts";
import { transactionsRuntime } from "./plugins/transactions-runtime.ts";

export {
  clientsRuntime,
  directoryRegistry,
  policiesConfig,
  serverRuntime,
  transactionPoliciesConfig,
  transactionsRuntime,
};

/** The plugins that make an app of all others. */
export const runtimePlugins: readonly Plugin[] = Object.freeze([
  clientsRuntime,
  directoryRegistry,
  policiesConfig,
  serverRuntime,
  transactionPoliciesConfig,
  transactionsRuntime,
]);
