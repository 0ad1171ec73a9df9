import {
  asStatusError,
  type CallSite,
  type Clock,
  going,
  type Instance,
  type Invoker,
  type Reply,
  type Span,
  type Tracer,
  type Wrap,
} from "@mortise/kernel";
import { peerAttributes, spanShape } from "./attributes.ts";
import { endingOf } from "./ending.ts";
import { type FirstAttempt, LocalTrace } from "./local-trace.ts";

/**
 * Tells the span of a call where it went. When there is a second attempt each gets a span of its own below the call's,
 * the first one told of afterwards.
 */
export function attemptWrap(site: CallSite, tracer: Tracer, clock: Clock): Wrap {
  const { name, kind, attributes: common } = spanShape(site);
  const attributesOf = peerAttributes(common);
  const ending = endingOf(site.method);

  function open(call: LocalTrace, number: number, instance: Instance | undefined, startMs?: number): Span {
    const { service } = call;
    const attributes = instance ? attributesOf(instance) : common;
    const told = startMs === undefined ? undefined : { startMs };
    const span = tracer.start({ name, kind, attributes, service, parent: call, ...told });
    span.set("mortise.attempt", number);
    return span;
  }

  function tellOfFirst(call: LocalTrace, first: FirstAttempt): void {
    const span = open(call, 1, first.instance, first.startMs);
    if (first.ended) span.end(first.ended.code, first.ended.message, first.ended.atMs);
    else first.span = span;
  }

  return (next) => (call) => {
    const { trace } = call.context;
    if (!(trace instanceof LocalTrace)) return next(call);
    const { instance } = call;
    const number = ++trace.attempts;
    if (number === 1) {
      if (instance) trace.span.setAll(attributesOf(instance));
      return firstAttempt(trace, instance, clock, () => going(next, call));
    }
    if (number === 2 && trace.first) tellOfFirst(trace, trace.first);
    const span = open(trace, number, instance);
    const context = call.context.with({ trace: new LocalTrace(span, trace.service) });
    return ending(span, going(next, { ...call, context }));
  };
}

function firstAttempt(
  trace: LocalTrace,
  instance: Instance | undefined,
  clock: Clock,
  work: () => ReturnType<Invoker>,
): Promise<Reply> {
  const first: FirstAttempt = { instance, startMs: clock.wall() };
  trace.first = first;
  return work().then(
    (reply) => {
      first.span?.end("OK");
      return reply;
    },
    (error: unknown) => {
      const { code, message } = asStatusError(error);
      if (first.span) first.span.end(code, message);
      else first.ended = { code, message, atMs: clock.wall() };
      throw error;
    },
  );
}
