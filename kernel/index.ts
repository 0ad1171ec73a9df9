// The whole public face of the kernel for plugins and services.

export type { Call, Invoker, Reply, Wrap } from "./call/call.ts";
export { chain, going } from "./call/call.ts";
export { background, backgroundOf, callContext } from "./call/call-context.ts";
export type * from "./call/context.ts";
export { contextKey } from "./call/context.ts";
export type { InFlightCall } from "./call/in-flight.ts";
export { InFlight } from "./call/in-flight.ts";
export * from "./call/metadata.ts";
export type { StatusData } from "./call/outcome.ts";
export { asReplied, asStatusError, handlerError, statusData, statusFromData } from "./call/outcome.ts";
export type { Over } from "./call/over.ts";
export { goingUntilOver } from "./call/over.ts";
export type { Pipe, PipeOptions } from "./call/pipe.ts";
export { pipe } from "./call/pipe.ts";
export {
  bareContexts,
  contextFromHeaders,
  contextHeaderNames,
  contextHeaders,
  decodeTimeout,
  eachContextHeader,
  eachHeader,
  encodeTimeout,
  isContextHeader,
  sendsBare,
  timeoutHeader,
} from "./call/propagation.ts";
export { receivedContext } from "./call/server-context.ts";
export type { CallSite, Place, Policy, PolicyFields } from "./call/site.ts";
export { policyFields } from "./call/site.ts";
export * from "./call/status.ts";
export type { Cancellable, StreamEnd } from "./call/stream.ts";
export { deferredStream, orCancelled, pump, readOnce, watchStream } from "./call/stream.ts";
export type { DeadlineWheel, TimePorts, WheelTimer } from "./call/timer-wheel.ts";
export { deadlineWheel } from "./call/timer-wheel.ts";
export type { TraceContext } from "./call/trace.ts";
export { decodeTrace, encodeTraceparent } from "./call/trace.ts";
export type * from "./contract/types.ts";
export type { Catalogue, CatalogueEntry, PluginSource } from "./core/catalogue.ts";
export type { ChangeReport, Settled } from "./core/change.ts";
export type { ConfigPath, CoreConfig, Location, Problem, UseValue } from "./core/config.ts";
export type { Definitions, Loaded, LoadFailure } from "./core/definitions.ts";
export { definitionsOf, pluginEntry } from "./core/definitions.ts";
export type { KernelErrorCode } from "./core/errors.ts";
export { KernelError, kernelErrors } from "./core/errors.ts";
export type * from "./core/explain.ts";
export type { Applied, ApplyResult, Kernel, KernelOptions, Refused } from "./core/kernel.ts";
export { createKernel, startKernel } from "./core/kernel.ts";
export { loadAll, loadUsed } from "./core/load.ts";
export { nearest, suggestion } from "./core/nearest.ts";
export * from "./core/needs.ts";
export { packagePlugins } from "./core/package-plugins.ts";
export { pickPlugin } from "./core/pick-plugin.ts";
export type { Plan, Planned, Step } from "./core/plan.ts";
export { plan } from "./core/plan.ts";
export type {
  Activation,
  Following,
  Generation,
  Log,
  LogFields,
  Plugin,
  PluginFacts,
  Running,
  Setup,
  WrapperSetup,
} from "./core/plugin.ts";
export { definePlugin } from "./core/plugin.ts";
export type { Clock, Ids, Ports, Random, Timer, Timers } from "./core/ports.ts";
export { systemPorts } from "./core/ports.ts";
export { printExplanation } from "./core/print-explanation.ts";
export { formatLocation, formatProblem, formatProblems } from "./core/problems.ts";
export type { JsonSchema, Schema, SchemaIssue, SchemaResult } from "./core/schema.ts";
export { jsonSchemaOf } from "./core/schema.ts";
export type { FoundPlugins, PluginFiles } from "./core/sources.ts";
export { fileEntry, filePlugins, moduleEntry } from "./core/sources.ts";
export type { Spi, SpiKind } from "./core/spi.ts";
export { defineSpi } from "./core/spi.ts";

export * from "./spi/breaker.ts";
export * from "./spi/bus.ts";
export * from "./spi/cache.ts";
export * from "./spi/cluster.ts";
export * from "./spi/config-source.ts";
export * from "./spi/coordinator.ts";
export type { ServiceDefinition, ServiceParts } from "./spi/define-service.ts";
export { defineService } from "./spi/define-service.ts";
export * from "./spi/directory.ts";
export * from "./spi/driving.ts";
export type { Candidate, ElectionOptions, Term } from "./spi/election.ts";
export { standForElection } from "./spi/election.ts";
export * from "./spi/faults.ts";
export * from "./spi/filter.ts";
export * from "./spi/identity.ts";
export type { Instance } from "./spi/instance.ts";
export * from "./spi/limiter.ts";
export * from "./spi/loadbalancer.ts";
export * from "./spi/lock.ts";
export type * from "./spi/metrics.ts";
export * from "./spi/one-statement.ts";
export type * from "./spi/perform.ts";
export * from "./spi/policies.ts";
export * from "./spi/protocol.ts";
export * from "./spi/registry.ts";
export * from "./spi/router.ts";
export * from "./spi/runtime.ts";
export * from "./spi/serializer.ts";
export * from "./spi/server.ts";
export * from "./spi/service.ts";
export * from "./spi/session.ts";
export * from "./spi/store.ts";
export * from "./spi/telemetry.ts";
export * from "./spi/tracer.ts";
export * from "./spi/transaction.ts";
export * from "./spi/transaction-policies.ts";
export * from "./spi/transactions.ts";
export * from "./spi/worker.ts";
