// What plugin authors test with.

export type { Deviation, Law, Made, Subject } from "./conformance.ts";
export { conformance } from "./conformance.ts";
export { eventually } from "./eventually.ts";
export { keptSpans } from "./kept-spans.ts";
export type { LogLine } from "./logs.ts";
export { keptLog, silentLog } from "./logs.ts";
export type { NatsServerOptions } from "./nats-server.ts";
export { natsServer } from "./nats-server.ts";
export type { Stoppable } from "./on-server.ts";
export { MissingServer, onServer } from "./on-server.ts";
export type { TestDatabase, TestPostgres } from "./postgres-server.ts";
export { postgresServer } from "./postgres-server.ts";
export type { Place, RealServer, RealServerOptions, ServerProgram } from "./real-server.ts";
export { realServer } from "./real-server.ts";
export { redisServer } from "./redis-server.ts";
export * from "./samples.ts";
export type { MadeAttempt, ScriptedAttempt, ScriptedGroup } from "./scripted-group.ts";
export { scriptedGroup } from "./scripted-group.ts";
export type { StartPluginOptions } from "./start-plugin.ts";
export { startPlugin } from "./start-plugin.ts";
export type { VirtualPorts, VirtualPortsOptions } from "./virtual-ports.ts";
export { virtualPorts } from "./virtual-ports.ts";
