import type { App } from "../config/app.ts";
import type { Method, MethodFacts, MethodKind } from "../contract/types.ts";
import type { ConfigPath, Location } from "../core/config.ts";
import type { Plan, Step } from "../core/plan.ts";
import { locationOf } from "../core/problems.ts";
import type { Why } from "../core/select-spi.ts";
import { methodOf, readTarget, unknownService } from "../generic/method-of.ts";
import { defaultsFor, type Named } from "../runtime/parts.ts";
import { policyBook } from "../runtime/policy.ts";
import type { EffectivePolicy } from "../spi/policies.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { ServiceFacts } from "../spi/service.ts";

/** A field of a policy as it holds for one method. */
export interface FieldExplanation {
  readonly name: string;
  readonly value: unknown;
  /** The target whose policy says so; nothing for a default. */
  readonly target: string | undefined;
  readonly location: Location | undefined;
}

/** A plugin on the way of a call, and what the policies tell it. */
export interface StationExplanation {
  readonly spi: string;
  readonly plugin: string;
  readonly why: Why | { readonly by: "policy"; readonly target: string };
  readonly location: Location | undefined;
  readonly fields: readonly FieldExplanation[];
}

/** The whole way of calls of one method, as far as it is known before anything runs. */
export interface MethodExplanation {
  readonly method: string;
  readonly kind: MethodKind;
  readonly facts: MethodFacts;
  /** Plugins of this app that handle it. */
  readonly handledBy: readonly string[];
  /** How long it may take and how often it is repeated. */
  readonly limits: readonly FieldExplanation[];
  /** In the order a call meets them. */
  readonly stations: readonly StationExplanation[];
}

/** Explains one method, `service/method` in TypeScript or on the wire. Throws a UserError if the app neither serves nor calls it. */
export function explainMethod({ contracts, policies, core }: App, plan: Plan, name: string): MethodExplanation {
  const target = readTarget(name);
  const contract = contracts.services.get(target.service);
  if (!contract) throw unknownService("this app neither serves nor calls", target.service, contracts.services.keys());
  const method = methodOf(contract, target.method);
  const effective = policyBook(policies).of(method, defaultsFor(method, choicesOf(plan)));
  const locate = (path: ConfigPath) => locationOf(core.locate, path);
  const fields = (names: readonly string[]) => names.flatMap((field) => explainField(field, effective, locate));
  const station = (step: Step, chosenBy?: string): StationExplanation => ({
    spi: step.plugin.spi.id,
    plugin: step.key,
    why: chosenBy === undefined ? step.why : { by: "policy", target: chosenBy },
    location: chosenBy === undefined ? step.location : locate(["policies", chosenBy, step.plugin.spi.id]),
    fields: fields(Object.keys(step.plugin.policy)),
  });
  const all = (spi: string) => stepsOf(plan, spi).map(([, step]) => station(step));
  const one = (spi: "cluster" | "loadbalancer" | "protocol" | "serializer") => {
    const step = stepsOf(plan, spi).find(([alias]) => alias === effective.policy[spi])?.[1];
    return step ? [station(step, effective.sources[spi])] : [];
  };
  const serving = stepsOf(plan, "service").filter(([, { plugin }]) => serves(plugin.facts, method));
  return {
    method: method.path,
    kind: method.kind,
    facts: method.facts,
    handledBy: serving.map(([, { key }]) => key),
    limits: fields(["timeoutMs", "retries"]),
    stations: [
      ...all("filter"),
      ...one("cluster"),
      ...all("directory"),
      ...all("registry"),
      ...all("router"),
      ...one("loadbalancer"),
      ...one("protocol"),
      ...one("serializer"),
    ],
  };
}

/** What serves an SPI, by alias or name in configured order. */
function stepsOf({ serving, steps }: Plan, spi: string): (readonly [alias: string, step: Step])[] {
  return (serving.get(spi) ?? []).flatMap(({ alias, step }) => {
    const found = steps.get(step);
    return found ? [[alias, found] as const] : [];
  });
}

function choicesOf(plan: Plan) {
  const named = (spi: string): Named<unknown> => new Map(stepsOf(plan, spi));
  const protocols = stepsOf(plan, "protocol").map(
    ([alias, { plugin }]) => [alias, plugin.facts as unknown as Protocol] as const,
  );
  return {
    protocols: new Map(protocols), // only what it can carry is asked, which is among its facts
    serializers: named("serializer"),
    balancers: named("loadbalancer"),
    clusters: named("cluster"),
  };
}

function serves(facts: Partial<ServiceFacts>, { service }: Method): boolean {
  return (facts.contracts ?? []).some(({ name }) => name === service);
}

function explainField(
  name: string,
  { policy, sources }: EffectivePolicy,
  locate: (path: ConfigPath) => Location | undefined,
): FieldExplanation[] {
  const { fields, ...own } = policy;
  const value = Object.hasOwn(own, name) ? own[name as keyof typeof own] : fields[name];
  if (value === undefined) return [];
  const target = sources[name];
  const location = target === undefined ? undefined : locate(["policies", target, name]);
  return [{ name, value, target, location }];
}
