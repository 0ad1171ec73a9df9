import type { Policy } from "../call/site.ts";
import type { Method } from "../contract/types.ts";
import type { EffectivePolicy, PolicyDefaults } from "../spi/policies.ts";
import { type PolicyTarget, parseTarget } from "./policy-target.ts";

/** Policy fields by target, as the configuration has them. */
export type PolicyTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Time a call may take where nothing is said, in milliseconds (Dubbo's default). */
export const defaultTimeoutMs = 1000;

/** Attempts after the first where nothing is said (Dubbo's default). */
export const defaultRetries = 2;

/** The field that says how long a call may take. 0: as long as it likes. */
const timeout = "timeoutMs";

/** A table made ready to be asked. */
export interface PolicyBook {
  of(method: Method, defaults: PolicyDefaults): EffectivePolicy;
}

interface Entry {
  readonly name: string;
  readonly target: PolicyTarget;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Sorts a table so that for every field the most specific target wins: a method before a service, an exact name before a
 * pattern, a longer pattern before a shorter one, a later entry before an earlier one. Throws a TypeError for a target
 * that is none; checking a configuration reports those and everything else that is wrong.
 *
 * One exception: `timeoutMs` of a service or of `*` is for calls with one answer. A stream may last as long as it likes
 * unless its caller, or a policy for the very method, sets a limit.
 */
export function policyBook(table: PolicyTable): PolicyBook {
  const entries = Object.entries(table).map(([name, fields]): Entry => ({ name, fields, target: parseTarget(name) }));
  entries.sort((a, b) => a.target.weight - b.target.weight); // stable: of equals the later stays later, and wins
  return { of: (method, defaults) => effective(entries, method, defaults) };
}

function effective(entries: readonly Entry[], method: Method, defaults: PolicyDefaults): EffectivePolicy {
  const given: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const { name, target, fields } of entries) {
    if (!target.matches(method)) continue;
    for (const [field, value] of Object.entries(fields)) {
      if (field === timeout && streams(method) && !target.namesMethod) continue;
      given[field] = value;
      sources[field] = name;
    }
  }
  return Object.freeze({ policy: complete(given, method, defaults), sources: Object.freeze(sources) });
}

function complete(given: Readonly<Record<string, unknown>>, method: Method, defaults: PolicyDefaults): Policy {
  const { timeoutMs, retries, protocol, serializer, loadbalancer, cluster, ...fields } = given;
  const name = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
  return Object.freeze({
    timeoutMs: typeof timeoutMs === "number" ? timeoutMs : streams(method) ? 0 : defaultTimeoutMs,
    retries: typeof retries === "number" ? retries : defaultRetries,
    protocol: name(protocol, defaults.protocol),
    serializer: name(serializer, defaults.serializer),
    loadbalancer: name(loadbalancer, defaults.loadbalancer),
    cluster: name(cluster, defaults.cluster),
    fields: Object.freeze(fields),
  });
}

function streams({ kind }: Method): boolean {
  return kind === "server-stream" || kind === "bidi-stream";
}
