import {
  type CallSite,
  type Clock,
  type Filter,
  going,
  type Reply,
  type TraceBridge,
  type TraceContext,
  type Tracer,
  type Wrap,
} from "@mortise/kernel";
import { attemptWrap } from "./attempts.ts";
import { spanShape } from "./attributes.ts";
import { answersWithStream, endingOf } from "./ending.ts";
import { LocalTrace } from "./local-trace.ts";

/** What the filter works with; asked for anew whenever a path is compiled. */
export interface TracingParts {
  tracer(): Tracer;
  /** The bridge to a foreign tracing API, if one is in use. */
  bridge(): TraceBridge | undefined;
  readonly clock: Clock;
}

/** Makes spans of calls, attempts (if there are several) and handled requests and events. */
export function tracingFilter(parts: TracingParts): Filter {
  return {
    wrap(site) {
      const tracer = parts.tracer();
      if (site.place === "call") return callWrap(site, tracer, parts.bridge());
      if (site.place === "provider") return providerWrap(site, tracer, parts.bridge());
      return site.method.kind === "event" ? undefined : attemptWrap(site, tracer, parts.clock);
    },
  };
}

function callWrap(site: CallSite, tracer: Tracer, bridge: TraceBridge | undefined): Wrap {
  const { name, kind, attributes } = spanShape(site);
  const ending = endingOf(site.method);
  return (next) => (call) => {
    const given = call.context.trace;
    const service = given?.service ?? site.app;
    const span = tracer.start({ name, kind, service, parent: parentOf(given, bridge?.active()), attributes });
    const trace = span.context.sampled ? new LocalTrace(span, service) : span.context;
    const reply = going(next, trace === given ? call : { ...call, context: call.context.with({ trace }) });
    return trace.sampled ? ending(span, reply) : reply;
  };
}

/** A span that user code opened around the call comes between the call and the request being handled. */
function parentOf(given: TraceContext | undefined, foreign: TraceContext | undefined): TraceContext | undefined {
  return foreign && (!given || given.traceId === foreign.traceId) ? foreign : given;
}

function providerWrap(site: CallSite, tracer: Tracer, bridge: TraceBridge | undefined): Wrap {
  const { name, kind, attributes } = spanShape(site);
  const service = site.service ?? (site.method.kind === "event" ? site.app : site.method.service);
  const streams = answersWithStream(site.method);
  const ending = endingOf(site.method);
  return (next) => (call) => {
    const parent = call.context.trace;
    const span = tracer.start({ name, kind, service, parent, attributes });
    const trace = span.context.sampled ? new LocalTrace(span, service) : span.context;
    const inner = trace === parent ? call : { ...call, context: call.context.with({ trace }) };
    const handle = () => going(next, inner);
    const reply = bridge ? within((work) => bridge.run(trace, service, work), streams, handle) : handle();
    return trace.sampled ? ending(span, reply) : reply;
  };
}

/** Runs a handler so that spans of the foreign API become children of ours, also while its stream is read. */
function within(run: <T>(work: () => T) => T, streams: boolean, handle: () => Promise<Reply>): Promise<Reply> {
  const reply = run(handle);
  if (!streams) return reply;
  return reply.then((one) => {
    const source = one.response as AsyncIterable<unknown>;
    const response: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]() {
        const iterator = source[Symbol.asyncIterator]();
        return {
          next: () => run(() => iterator.next()),
          return: async () => {
            await run(() => iterator.return?.());
            return { done: true, value: undefined };
          },
        };
      },
    };
    return { ...one, response };
  });
}
