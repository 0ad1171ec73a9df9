import {
  type Call,
  type CallContext,
  type CallSite,
  type Cluster,
  type Group,
  type Instance,
  type Invoker,
  type Ports,
  policyFields,
  type StatusError,
  type Timers,
} from "@mortise/kernel";
import { withoutNeverSent } from "@mortise/kernel/spi/sent";
import { z } from "zod";
import { type RetryBudget, type RetryBudgetOptions, retryBudget } from "./retry-budget.ts";
import { backoff, mayRepeat, repeatable } from "./retry-rule.ts";

export interface FailoverOptions {
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly budget: RetryBudgetOptions;
}

export const failoverPolicy = policyFields({
  attemptTimeoutMs: z
    .number()
    .positive()
    .optional()
    .describe(
      "Longest time one attempt may take before another instance is tried, in milliseconds; default: all there is.",
    ),
});

type FailoverPorts = Pick<Ports, "clock" | "timers" | "random">;

/**
 * Tries up to `policy.retries` more instances, those not tried yet first, when an attempt fails in a way that allows it.
 * Waits at random between attempts, never beyond the deadline.
 */
export function failoverCluster(options: FailoverOptions, ports: FailoverPorts): Cluster {
  const budgets = new Map<string, RetryBudget>();

  function budgetOf(service: string): RetryBudget {
    const budget = budgets.get(service) ?? retryBudget(options.budget, ports.clock);
    budgets.set(service, budget);
    return budget;
  }

  return { invoker: (site, group) => failoverInvoker(site, group, budgetOf(site.method.service), options, ports) };
}

function failoverInvoker(
  site: CallSite,
  group: Group,
  budget: RetryBudget,
  { backoffMs, maxBackoffMs }: FailoverOptions,
  { clock, timers, random }: FailoverPorts,
): Invoker {
  const { retries } = site.policy;
  const { attemptTimeoutMs } = failoverPolicy.of(site);
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
      try {
        const found = group.candidates(call);
        candidates = found instanceof Promise ? await found : found;
      } catch (error) {
        throw sent ? withoutNeverSent(error) : error;
      }
      try {
        const attempt = limitMs === undefined ? call : limited(call, limitMs);
        return await group.attempt(attempt, untried(candidates, tried), note);
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
function untried(candidates: readonly Instance[], tried: readonly Instance[]): readonly Instance[] {
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
