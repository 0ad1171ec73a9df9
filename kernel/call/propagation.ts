import { decodeBaggage, maxBaggageBytes, noBaggage } from "./baggage.ts";
import { ContextNode, nodeOf } from "./call-context.ts";
import type { Baggage, CallContext } from "./context.ts";
import { baggageHeaderOf, type Facts, noFacts } from "./context-facts.ts";
import { type Metadata, type MetadataValue, noMetadata } from "./metadata.ts";
import { deadlineWheel, type TimePorts } from "./timer-wheel.ts";
import { decodeTrace, encodeTraceparent, type TraceContext } from "./trace.ts";

/** The headers that carry a context, the same over every protocol and the bus. */
export const contextHeaderNames = Object.freeze({
  traceparent: "traceparent",
  tracestate: "tracestate",
  baggage: "baggage",
  tenant: "mortise-tenant",
  idempotencyKey: "idempotency-key",
  /** What is left of the deadline, in gRPC's form: `250m`. */
  timeout: "grpc-timeout",
});

/** Longest tenant or idempotency key that is taken from a header, in characters. Longer ones are ignored. */
export const maxContextValue = 256;

const reserved: ReadonlySet<string> = new Set(Object.values(contextHeaderNames));

/** Whether a header belongs to the context, so that an application's own value of that name is not sent. */
export function isContextHeader(name: string): boolean {
  return reserved.has(name);
}

/**
 * Gives every header a call sends to `write`, without the timeout, which most protocols have a field for: the
 * application's own, then those of the context.
 */
export function eachHeader(context: CallContext, write: (name: string, value: MetadataValue) => void): void {
  const { outgoing } = context;
  for (const name of outgoing.names()) {
    if (reserved.has(name)) continue;
    for (const value of outgoing.getAll(name)) write(name, value);
  }
  eachContextHeader(context, write);
}

/** Gives the headers of the context alone to `write`: trace, baggage, tenant, idempotency key. */
export function eachContextHeader(context: CallContext, write: (name: string, value: string) => void): void {
  const { trace, facts } = nodeOf(context);
  if (trace) {
    write(contextHeaderNames.traceparent, encodeTraceparent(trace));
    if (trace.state !== "") write(contextHeaderNames.tracestate, trace.state);
  }
  const baggage = baggageHeaderOf(facts);
  if (baggage !== "") write(contextHeaderNames.baggage, baggage);
  if (facts.tenant !== undefined) write(contextHeaderNames.tenant, encodeText(facts.tenant));
  if (facts.idempotencyKey !== undefined && !facts.keyReceived)
    write(contextHeaderNames.idempotencyKey, encodeText(facts.idempotencyKey));
}

/** The headers of the context as a record, as the bus carries them: text only, and no deadline, which ends with the call. */
export function contextHeaders(context: CallContext): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  eachContextHeader(context, (name, value) => {
    headers[name] = value;
  });
  return headers;
}

/** How the deadline of the calls of a context is told to a server; nothing without one. */
export function timeoutHeader(context: CallContext, now: number = nodeOf(context).wheel.now()): string | undefined {
  return context.deadline === Number.POSITIVE_INFINITY ? undefined : encodeTimeout(context.deadline - now);
}

/**
 * The context of a request that came in with these headers. What is malformed or too long is ignored, as the W3C
 * recommendations ask: a call does not fail for the sake of its trace. `timeoutMs` is for protocols that carry the
 * deadline in a field of their own; without it the `grpc-timeout` header counts.
 */
export function contextFromHeaders(headers: Metadata, ports: TimePorts, timeoutMs?: number): CallContext {
  const wheel = deadlineWheel(ports);
  const timeout = timeoutMs ?? decodeTimeout(headers.get(contextHeaderNames.timeout));
  const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : wheel.now() + Math.max(0, timeout);
  const parent = headers.get(contextHeaderNames.traceparent);
  const trace = parent === undefined ? undefined : decodeTrace(parent, joined(headers, contextHeaderNames.tracestate));
  return new ContextNode(wheel, undefined, deadline, trace, {
    ...noFacts,
    baggage: receivedBaggage(joined(headers, contextHeaderNames.baggage)),
    tenant: decodeText(headers.get(contextHeaderNames.tenant)),
    idempotencyKey: decodeText(headers.get(contextHeaderNames.idempotencyKey)),
    keyReceived: true,
    incoming: headers,
  });
}

/** Makes contexts for requests that carry no more than a deadline and a trace, for protocols with fields of their own for both. */
export function bareContexts(
  ports: TimePorts,
): (timeoutMs: number | undefined, trace: TraceContext | undefined) => CallContext {
  const wheel = deadlineWheel(ports);
  return (timeoutMs, trace) => {
    const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : wheel.now() + timeoutMs;
    return new ContextNode(wheel, undefined, deadline, trace, bareFacts);
  };
}

const bareFacts: Facts = Object.freeze({ ...noFacts, keyReceived: true });

/** Whether the calls of a context send nothing but a deadline and a trace without state. */
export function sendsBare(context: CallContext): boolean {
  const { facts, trace } = nodeOf(context);
  if (facts === noFacts || facts === bareFacts) return trace === undefined || trace.state === "";
  return (
    facts.outgoing === noMetadata &&
    facts.tenant === undefined &&
    facts.baggage === noBaggage &&
    (facts.idempotencyKey === undefined || facts.keyReceived) &&
    (trace === undefined || trace.state === "")
  );
}

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Writes a duration as `grpc-timeout` does: at most eight digits and a unit, rounded down. */
export function encodeTimeout(ms: number): string {
  if (!(ms > 0)) return "0n";
  if (ms < 1000) return `${Math.floor(ms * 1000)}u`;
  if (ms < 1e8) return `${Math.floor(ms)}m`;
  if (ms < 1e11) return `${Math.floor(ms / 1000)}S`;
  return `${Math.min(99_999_999, Math.floor(ms / 3_600_000))}H`;
}

/** Reads a `grpc-timeout` in milliseconds; nothing when it is absent or malformed. */
export function decodeTimeout(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,8}[HMSmun]$/.test(header)) return undefined;
  return Number(header.slice(0, -1)) * (units[header.slice(-1)] ?? 1);
}

/** As it came, to be decoded when read; cut at once when it is too long to be passed on. */
function receivedBaggage(header: string): Baggage | string {
  if (header === "") return noBaggage;
  return header.length > maxBaggageBytes ? decodeBaggage(header) : header;
}

/** Several headers of a name count as one list. */
function joined(headers: Metadata, name: string): string {
  const values = headers.getAll(name);
  return values.length <= 1 ? (headers.get(name) ?? "") : values.join(",");
}

function encodeText(text: string): string {
  return /^[!#$&-~]+$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

function decodeText(header: string | undefined): string | undefined {
  if (header === undefined || header === "" || header.length > maxContextValue) return undefined;
  const quoted = header.length > 1 && header.startsWith('"') && header.endsWith('"'); // as an HTTP structured field
  try {
    return decodeURIComponent(quoted ? header.slice(1, -1) : header) || undefined;
  } catch {
    return undefined;
  }
}
