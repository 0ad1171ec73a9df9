import {
  type CallContext,
  type CallSite,
  type Filter,
  going,
  orCancelled,
  policyFields,
  type Reply,
  type Wrap,
  watchStream,
} from "@mortise/kernel";
import { z } from "zod";

export const deadlinePolicy = policyFields({
  handlingTimeoutMs: z
    .number()
    .nonnegative()
    .default(30_000)
    .describe(
      "Longest time the handler of an event may take before the event counts as failed, in milliseconds; 0: any.",
    ),
});

/**
 * Gives a call the policy's timeout where its caller has chosen no deadline. At the provider it ends the call with
 * DEADLINE_EXCEEDED as soon as its deadline has passed, whether or not the handler takes notice; at the client the protocol
 * does that.
 */
export const deadlineFilter: Filter = {
  wrap(site) {
    if (site.place === "attempt") return undefined;
    const limit = limitOf(site);
    return site.place === "call" && site.method.kind !== "event" ? limiting(limit) : ending(site, limit);
  },
};

type Limit = (context: CallContext) => CallContext;

function limiting(limit: Limit): Wrap {
  return (next) => (call) => {
    const context = limit(call.context);
    return next(context === call.context ? call : { ...call, context });
  };
}

function ending({ method }: CallSite, limit: Limit): Wrap {
  const streams = method.kind === "server-stream" || method.kind === "bidi-stream";
  return (next) => (call) => {
    const { context: given } = call;
    const context = limit(given);
    if (context.deadline === Number.POSITIVE_INFINITY) return next(call);
    const reason = context.cancelled;
    if (reason) return Promise.reject(reason);
    const reply = orCancelled(going(next, context === given ? call : { ...call, context }), context);
    return streams ? reply.then((one) => cutting(one, context)) : reply;
  };
}

/** How long a call gets at this site, beyond what its caller asked for. */
function limitOf(site: CallSite): Limit {
  const timeoutMs = timeoutOf(site);
  if (timeoutMs === 0) return (context) => context;
  const child = { timeoutMs };
  return site.place === "call"
    ? (context) => (context.ownDeadline ? context : context.with(child))
    : (context) => (context.deadline === Number.POSITIVE_INFINITY ? context.with(child) : context);
}

function timeoutOf(site: CallSite): number {
  const handlesEvent = site.place === "provider" && site.method.kind === "event";
  return handlesEvent ? deadlinePolicy.of(site).handlingTimeoutMs : site.policy.timeoutMs;
}

/** The same reply, its stream cut off when the deadline passes. */
function cutting(reply: Reply, context: CallContext): Reply {
  return { ...reply, response: watchStream(reply.response as AsyncIterable<unknown>, () => undefined, context) };
}
