// Calls of any method from JSON, without its contract.
export type { GenericClient, GenericOptions, GenericTarget, JsonRequest, JsonRequests } from "./generic-client.ts";
export { genericCalls, genericClient } from "./generic-client.ts";
export type { GenericReason } from "./method-of.ts";
