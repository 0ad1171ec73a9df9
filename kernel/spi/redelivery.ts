import { StatusError } from "../call/status.ts";
import type { SubscribeOptions } from "./bus.ts";

/** How a group is served, complete. */
export type Redelivery = Required<SubscribeOptions>;

const defaults: Redelivery = { maxAttempts: 8, backoffMs: 100, maxBackoffMs: 10_000, concurrency: 16 };

/** Completes the options of a subscription. Throws INVALID_ARGUMENT for one that makes no sense. */
export function redelivery(options: SubscribeOptions = {}): Redelivery {
  const complete = { ...defaults, ...options };
  requireWhole("maxAttempts", complete.maxAttempts, 1);
  requireWhole("concurrency", complete.concurrency, 1);
  requireWhole("backoffMs", complete.backoffMs, 0);
  requireWhole("maxBackoffMs", complete.maxBackoffMs, 0);
  return complete;
}

/** The wait after the failure of an attempt, counted from 1: doubles from `backoffMs` up to `maxBackoffMs`. */
export function waitAfterMs(attempt: number, { backoffMs, maxBackoffMs }: Redelivery): number {
  return Math.min(backoffMs * 2 ** Math.min(attempt - 1, 31), maxBackoffMs);
}

/** Throws INVALID_ARGUMENT unless it is names of letters, digits and `_` joined by dots, as topics are declared. */
export function checkTopic(topic: string): void {
  if (/^\w+(\.\w+)*$/.test(topic) && topic.length <= 200) return;
  throw new StatusError(
    "INVALID_ARGUMENT",
    `"${topic}" is no topic: use names of letters, digits and _ joined by dots`,
  );
}

/** Throws INVALID_ARGUMENT unless it is letters, digits, `_` and `-`, at most 100. */
export function checkGroup(group: string): void {
  if (/^[\w-]{1,100}$/.test(group)) return;
  throw new StatusError("INVALID_ARGUMENT", `"${group}" is no group: use up to 100 letters, digits, _ and -`);
}

/** Throws INVALID_ARGUMENT unless it can be told from others. */
export function checkId(id: string): void {
  if (id.length > 0 && id.length <= 200) return;
  throw new StatusError("INVALID_ARGUMENT", "a message needs an id of 1 to 200 characters");
}

function requireWhole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new StatusError("INVALID_ARGUMENT", `${name} is ${value}; give a whole number from ${least} on`);
}
