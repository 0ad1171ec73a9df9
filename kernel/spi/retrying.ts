import { z } from "zod";
import type { Call, Invoker } from "../call/call.ts";
import type { CallContext } from "../call/context.ts";
import { type CallSite, policyFields } from "../call/site.ts";
import type { StatusError } from "../call/status.ts";
import type { Ports, Timers } from "../core/ports.ts";
import type { Cluster, Group } from "./cluster.ts";
import type { Instance } from "./instance.ts";
import { type RetryBudget, retryBudget } from "./retry-budget.ts";
import { backoff, mayRepeat, repeatable } from "./retry-rule.ts";
import { withoutNeverSent } from "./sent.ts";

/** The options of a cluster that tries again. */
export const retryingShape = {
  backoffMs: z
    .number()
    .nonnegative()
    .default(10)
    .describe("Longest wait before the first retry, in milliseconds; doubles."),
  maxBackoffMs: z.number().nonnegative().default(1000).describe("Longest wait before any retry, in milliseconds."),
  budget: z
    .strictObject({
      ratio: z.number().min(0).max(1).default(0.2).describe("Retries that each call earns its service."),
      perSecond: z.number().nonnegative().default(10).describe("Retries that each second earns."),
      burst: z.number().nonnegative().default(100).describe("Retries that can be saved up."),
    })
    .prefault({})
    .describe("Bounds the retries of all calls to one service, except of requests that never left."),
};

const retryingOptions = z.strictObject(retryingShape);

export type RetryingOptions = z.output<typeof retryingOptions>;

export const retryingPolicy = policyFields({
  attemptTimeoutMs: z
    .number()
    .positive()
    .optional()
    .describe(
      "Longest time one attempt may take before another instance is tried, in milliseconds; default: all there is.",
    ),
});

/** Which candidates the next attempt may go to, when the call has tried some. Throws a StatusError for none. */
export type Narrow = (candidates: readonly Instance[], tried: readonly Instance[], call: Call) => readonly Instance[];

type RetryingPorts = Pick<Ports, "clock" | "timers" | "random">;

/**
 * Tries up to `policy.retries` more instances, those not tried yet first, when an attempt fails in a way that allows it.
 * Waits at random between attempts, never beyond the deadline.
 * @param narrowFor what chooses among the candidates of a method; default: those that were not tried
 */
export function retryingCluster(
  options: RetryingOptions,
  ports: RetryingPorts,
  narrowFor: (site: CallSite) => Narrow = () => untried,
): Cluster {
  const budgets = new Map<string, RetryBudget>();

  function budgetOf(service: string): RetryBudget {
    const budget = budgets.get(service) ?? retryBudget(options.budget, ports.clock);
    budgets.set(service, budget);
    return budget;
  }

  return {
    invoker: (site, group) =>
      retryingInvoker(site, group, { budget: budgetOf(site.method.service), narrow: narrowFor(site), options, ports }),
  };
}

interface Retrying {
  readonly budget: RetryBudget;
  readonly narrow: Narrow;
  readonly options: RetryingOptions;
  readonly ports: RetryingPorts;
}

function retryingInvoker(site: CallSite, group: Group, { budget, narrow, options, ports }: Retrying): Invoker {
  const { backoffMs, maxBackoffMs } = options;
  const { clock, timers, random } = ports;
  const { retries } = site.policy;
  const { attemptTimeoutMs } = retryingPolicy.of(site);
  const limitMs = site.method.kind === "unary" ? attemptTimeoutMs : undefined; // a stream lasts as long as it lasts

  /** How long to wait before the next attempt; nothing if there is none. */
  function waitBefore(retry: number, { context, method }: Call, error: unknown, others: boolean): number | undefined {
    if (retry > retries || context.cancelled || !mayRepeat(method, limitMs !== undefined, error)) return undefined;
    if (!error.neverSent && !budget.spend()) return undefined;
    const wait = error.neverSent && others ? 0 : backoff(retry, backoffMs, maxBackoffMs, random());
    return clock.now() + wait < context.deadline ? wait : undefined;
  }

  return async (given) => {
    budget.earn();
    const { call, used } = repeatable(given);
    const tried: Instance[] = [];
    const note = (instance: Instance) => void tried.push(instance);
    let sent = false;
    for (let retry = 1; ; retry++) {
      let candidates: readonly Instance[];
      let left: readonly Instance[];
      try {
        const found = group.candidates(call);
        candidates = found instanceof Promise ? await found : found;
        left = narrow(candidates, tried, call);
      } catch (error) {
        throw sent ? withoutNeverSent(error) : error;
      }
      try {
        const attempt = limitMs === undefined ? call : limited(call, limitMs);
        return await group.attempt(attempt, left, note);
      } catch (error) {
        const wait = used() ? undefined : waitBefore(retry, call, error, tried.length < candidates.length);
        if (wait === undefined) throw sent ? withoutNeverSent(error) : error;
        sent ||= !(error as StatusError).neverSent;
        if (wait > 0) await pause(wait, call.context, timers);
      }
    }
  };
}

function limited(call: Call, timeoutMs: number): Call {
  return { ...call, context: call.context.with({ timeoutMs }) };
}

/** The candidates without those tried; all of them when there are no others. */
export function untried(candidates: readonly Instance[], tried: readonly Instance[]): readonly Instance[] {
  if (tried.length === 0) return candidates;
  const others = candidates.filter(({ id }) => !tried.some((instance) => instance.id === id));
  return others.length === 0 ? candidates : Object.freeze(others);
}

/** Resolves after `ms`; rejects with the reason as soon as the call is cancelled. */
function pause(ms: number, context: CallContext, timers: Timers): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(ms, () => {
      forget();
      resolve();
    });
    const forget = context.onCancel((reason) => {
      timer.cancel();
      reject(reason);
    });
  });
}
