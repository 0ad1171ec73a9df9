import {
  type Call,
  type Clock,
  codeOf,
  type Filter,
  goingUntilOver,
  type Invoker,
  isPermit,
  type Limit,
  type Limiter,
  type Permit,
  policyFields,
  type Refusal,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { z } from "zod";

export const ratelimitPolicy = policyFields({
  limiter: z.string().default("").describe("The limiter of calls; empty: none"),
  limitAt: z
    .enum(["provider", "call"])
    .default("provider")
    .describe("Where calls are counted: at the service, or at each of its callers"),
  limitBy: z
    .enum(["method", "caller", "tenant"])
    .default("method")
    .describe("Who shares a limit: all calls of the method, those of one caller, those of one tenant"),
});

type By = ReturnType<typeof ratelimitPolicy.of>["limitBy"];

/** Refuses calls over the limit at once with RESOURCE_EXHAUSTED. `limiters` are those that serve now, by name. */
export function ratelimitFilter(limiters: () => ReadonlyMap<string, Limiter>, clock: Clock): Filter {
  return {
    wrap(site) {
      const { limiter, limitAt, limitBy } = ratelimitPolicy.of(site);
      if (limiter === "" || site.place !== limitAt) return undefined;
      const limit = chosen(limiter, limiters()).limit(site);
      return limit && ((next) => limited(next, limit, keyBy(limitBy), clock));
    },
  };
}

function chosen(name: string, limiters: ReadonlyMap<string, Limiter>): Limiter {
  const found = limiters.get(name);
  if (found) return found;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `policy: limiter "${name}" is not loaded; there are: ${[...limiters.keys()].join(", ") || "none"}`,
  );
}

function keyBy(by: By): (call: Call) => string {
  if (by === "caller") return ({ context }) => context.caller?.name ?? "";
  return by === "tenant" ? ({ context }) => context.tenant ?? "" : () => "";
}

function limited(next: Invoker, limit: Limit, keyOf: (call: Call) => string, clock: Clock): Invoker {
  function enter(call: Call, answer: Permit | Refusal): Promise<Reply> {
    if (!isPermit(answer)) return Promise.reject(overLimit(call, answer));
    const began = clock.now();
    return goingUntilOver(next, call, (error) => answer.release({ code: codeOf(error), tookMs: clock.now() - began }));
  }
  return (call) => {
    const answer = limit.acquire(keyOf(call));
    return answer instanceof Promise ? answer.then((one) => enter(call, one)) : enter(call, answer);
  };
}

function overLimit({ method }: Call, { retryAfterMs }: Refusal): StatusError {
  return new StatusError("RESOURCE_EXHAUSTED", `${method.path} takes no more calls for now: it is over its limit`, {
    reason: "RATE_LIMITED",
    details: { retryAfterMs: `${retryAfterMs}` },
    retryable: true,
  });
}
