// What a contract is written with.
export * from "./fields.ts";
export { ContractError, enumeration, message } from "./message.ts";
export { Empty, rpc, service, stream, topic } from "./service.ts";
export type * from "./types.ts";
