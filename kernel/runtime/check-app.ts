import type { MethodKind, ServiceType } from "../contract/types.ts";
import type { ConfigPath, Problem } from "../core/config.ts";
import type { Plan, Step } from "../core/plan.ts";
import { locationOf } from "../core/problems.ts";
import type { ProtocolFacts } from "../spi/protocol.ts";
import type { ServiceFacts } from "../spi/service.ts";
import { defaultsFor } from "./parts.ts";
import { type PolicyTable, policyBook } from "./policy.ts";
import { isPolicyTarget } from "./policy-target.ts";

/** Every way an app that can be planned cannot work. The key is the code, the value what to do about it. */
export const appCodes = {
  CONTRACT_TWICE: "Let one service serve the contract; run the other in an app of its own.",
  KIND_NOT_CARRIED: "Select a protocol that carries methods of this kind, or name one in a policy for the method.",
  SERIALIZER_NOT_CARRIED: "Select a serializer that the protocol carries, beside others where they are needed.",
  METHODS_CLASH: "Change one of the two contracts, or run their services in apps of their own.",
  REGISTRY_IDLE: "Put one that uses the others before them (multi), or keep one.",
} as const;

export type AppCode = keyof typeof appCodes;

/**
 * What cannot work although every plugin and option is right: a contract served twice, methods that no protocol carries, or
 * not the one their policy names; protocols that carry no selected serializer, or not the one a policy names, or that
 * cannot tell two methods apart; registries that would run for nothing. Pure; what a plugin does not tell before it runs is not checked.
 */
export function checkApp(plan: Plan, policies: PolicyTable): Problem[] {
  const { locate } = plan.config;
  const served = servedIn(plan);
  const found = [
    ...servedTwice(served),
    ...uncarried(plan, served),
    ...mutes(plan),
    ...clashes(plan, served),
    ...idleRegistries(plan),
    ...wrongPolicies(plan, policies),
  ];
  return found.map((problem) => ({ ...problem, location: locationOf(locate, problem.path) }));
}

interface Served {
  readonly contract: ServiceType;
  readonly by: Step;
}

function servedIn(plan: Plan): Served[] {
  return stepsOf(plan, "service").flatMap(([, by]) =>
    ((by.plugin.facts as Partial<ServiceFacts>).contracts ?? []).map((contract) => ({ contract, by })),
  );
}

function servedTwice(served: readonly Served[]): Problem[] {
  const first = new Map<string, Step>();
  return served.flatMap(({ contract: { name }, by }) => {
    const other = first.get(name);
    first.set(name, other ?? by);
    return other
      ? [problem("CONTRACT_TWICE", `${by.key} serves ${name}, which ${other.key} serves already.`, by.path)]
      : [];
  });
}

/** Methods served here that no selected protocol carries. Nothing where a protocol does not say what it carries. */
function uncarried(plan: Plan, served: readonly Served[]): Problem[] {
  const protocols = stepsOf(plan, "protocol");
  const kinds = protocols.map(([, step]) => kindsOf(step));
  if (kinds.length === 0 || kinds.includes(undefined)) return [];
  const names = protocols.map(([alias]) => alias).join(", ");
  return served.flatMap(({ contract, by }) =>
    Object.values(contract.methods)
      .filter(({ kind }) => !kinds.some((carried) => carried?.includes(kind)))
      .map(({ path, kind }) =>
        problem("KIND_NOT_CARRIED", `${by.key}: ${path} is a ${kind} method, which ${names} cannot carry.`, by.path),
      ),
  );
}

/** Protocols that can carry none of the selected serializers. */
function mutes(plan: Plan): Problem[] {
  const serializers = stepsOf(plan, "serializer");
  if (serializers.length === 0) return [];
  return stepsOf(plan, "protocol").flatMap(([alias, step]) => {
    if (serializers.some(([, one]) => refusal(step, one) === undefined)) return [];
    const names = serializers.map(([name]) => name).join(", ");
    return [
      problem("SERIALIZER_NOT_CARRIED", `protocol "${alias}" cannot carry ${names}: ${whyNot(step)}.`, step.path),
    ];
  });
}

/** Methods of different services that a protocol cannot serve together. */
function clashes(plan: Plan, served: readonly Served[]): Problem[] {
  const methods = served.flatMap(({ contract }) => Object.values(contract.methods));
  return stepsOf(plan, "protocol").flatMap(([alias, { plugin, path }]) => {
    const clash = (plugin.facts as Partial<ProtocolFacts>).clash?.(methods);
    return clash === undefined ? [] : [problem("METHODS_CLASH", `protocol "${alias}": ${clash}.`, path)];
  });
}

/** Registries after the first, which serves, that no plugin asks for. */
function idleRegistries(plan: Plan): Problem[] {
  const [[first] = [], ...others] = stepsOf(plan, "registry");
  const needs = [...plan.steps.values()].flatMap((step) => Object.values(step.needs));
  const asked = new Set(needs.flatMap(({ providers }) => providers.map(({ step }) => step)));
  return others
    .filter(([, { id }]) => !asked.has(id))
    .map(([alias, { path }]) =>
      problem("REGISTRY_IDLE", `registry "${alias}" has no effect: "${first}" serves, for it is the first.`, path),
    );
}

/** Methods served or called here whose policy names a protocol or serializer that does not carry them. */
function wrongPolicies(plan: Plan, policies: PolicyTable): Problem[] {
  const book = policyBook(Object.fromEntries(Object.entries(policies).filter(([target]) => isPolicyTarget(target))));
  const protocols = stepsOf(plan, "protocol");
  const serializers = new Map(stepsOf(plan, "serializer"));
  const found = methodsIn(plan).flatMap((method) => {
    const { policy, sources } = book.of(method, defaultsFor(method, noChoices));
    const [only] = protocols.length === 1 ? protocols : [];
    const [name, step] = protocols.find(([alias]) => alias === policy.protocol) ?? only ?? [];
    if (!step || name === undefined) return [];
    const problems: Problem[] = [];
    const { protocol: target, serializer: wanted } = sources;
    if (target !== undefined && !(kindsOf(step)?.includes(method.kind) ?? true)) {
      const message = `${method.path} is a ${method.kind} method, which protocol "${name}" cannot carry.`;
      problems.push(problem("KIND_NOT_CARRIED", `policy for ${target}: ${message}`, ["policies", target, "protocol"]));
    }
    const serializer = serializers.get(policy.serializer);
    if (wanted !== undefined && serializer && refusal(step, serializer) !== undefined) {
      const message = `protocol "${name}" cannot carry serializer "${policy.serializer}": ${whyNot(step)}.`;
      problems.push(
        problem("SERIALIZER_NOT_CARRIED", `policy for ${wanted}: ${message}`, ["policies", wanted, "serializer"]),
      );
    }
    return problems;
  });
  return [...new Map(found.map((one) => [one.message, one])).values()]; // one policy counts once, however many methods it covers
}

/** Why the protocol cannot carry the serializer, if it cannot. */
function refusal(protocol: Step, { plugin }: Step): string | undefined {
  const { serializers } = protocol.plugin.facts as Partial<ProtocolFacts>;
  return !serializers || serializers.only.includes(plugin.name) ? undefined : serializers.reason;
}

function whyNot({ plugin }: Step): string {
  const { only = [], reason = "" } = (plugin.facts as Partial<ProtocolFacts>).serializers ?? {};
  return `it takes ${only.join(", ")} alone, for ${reason}`;
}

const noChoices = { protocols: new Map(), serializers: new Map(), balancers: new Map(), clusters: new Map() };

function methodsIn(plan: Plan) {
  const served = servedIn(plan).map(({ contract }) => contract);
  const needs = [...plan.steps.values()].flatMap(
    ({ plugin }) => Object.values(plugin.needs) as { calls?: ServiceType | readonly ServiceType[] }[],
  );
  const contracts = new Map([...served, ...needs.flatMap(({ calls = [] }) => calls)].map((one) => [one.name, one]));
  return [...contracts.values()].flatMap(({ methods }) => Object.values(methods));
}

function kindsOf({ plugin }: Step): readonly MethodKind[] | undefined {
  return (plugin.facts as Partial<ProtocolFacts>).kinds;
}

function stepsOf({ serving, steps }: Plan, spi: string): (readonly [alias: string, step: Step])[] {
  return (serving.get(spi) ?? []).flatMap(({ alias, step }) => {
    const found = steps.get(step);
    return found ? [[alias, found] as const] : [];
  });
}

function problem(code: AppCode, what: string, path: ConfigPath): Problem {
  return { code, message: `${what} ${appCodes[code]}`, path };
}
