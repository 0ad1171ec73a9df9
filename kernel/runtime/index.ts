// What the plugins that run an app are made of.
export type { AppCode } from "./check-app.ts";
export { appCodes, checkApp } from "./check-app.ts";
export type { ClientParts } from "./client-path.ts";
export type { RuntimeClients, RuntimeClientsOptions, RuntimeClientsSetup } from "./clients.ts";
export { runtimeClients } from "./clients.ts";
export type { RegistryDirectory, RegistryDirectoryOptions, RegistryDirectorySetup } from "./directory.ts";
export { registryDirectory } from "./directory.ts";
export type { DirectoryCache } from "./directory-cache.ts";
export { folderCache } from "./directory-cache.ts";
export type { Listened, Offered, Offers } from "./offers.ts";
export { offersOf } from "./offers.ts";
export type { Named } from "./parts.ts";
export { defaultsFor } from "./parts.ts";
export type { PolicyBook, PolicyTable } from "./policy.ts";
export { defaultRetries, defaultTimeoutMs, policyBook } from "./policy.ts";
export { isPolicyTarget } from "./policy-target.ts";
export type { ProviderParts } from "./provider.ts";
export { topicPolicy } from "./publish.ts";
export {
  clientsRuntime,
  directoryRegistry,
  policiesConfig,
  runtimePlugins,
  serverRuntime,
  transactionPoliciesConfig,
  transactionsRuntime,
} from "./runtime-plugins.ts";
export type { RuntimeServer, RuntimeServerOptions, RuntimeServerSetup } from "./server.ts";
export { runtimeServer } from "./server.ts";
export type { ServerParts, ServerState } from "./server-state.ts";
export { serverState } from "./server-state.ts";
export type { RunningTransactions, TransactionsSetup } from "./transaction/transactions.ts";
export { transactionsOf } from "./transaction/transactions.ts";
export type { TransactionTable } from "./transaction-policy.ts";
export { transactionPolicyOf } from "./transaction-policy.ts";
