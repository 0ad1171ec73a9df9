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
} as const;

export type AppCode = keyof typeof appCodes;

/**
 * What cannot work although every plugin and option is right: a contract served twice, methods that no protocol carries, or
 * not the one their policy names. Pure; what a plugin does not tell before it runs is not checked.
 */
export function checkApp(plan: Plan, policies: PolicyTable): Problem[] {
  const { locate } = plan.config;
  const served = servedIn(plan);
  const found = [...servedTwice(served), ...uncarried(plan, served), ...wrongProtocols(plan, policies)];
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

/** Methods served or called here whose policy names a protocol that does not carry them. */
function wrongProtocols(plan: Plan, policies: PolicyTable): Problem[] {
  const book = policyBook(Object.fromEntries(Object.entries(policies).filter(([target]) => isPolicyTarget(target))));
  const byAlias = new Map(stepsOf(plan, "protocol"));
  return methodsIn(plan).flatMap((method) => {
    const { policy, sources } = book.of(method, defaultsFor(method, noChoices));
    const step = byAlias.get(policy.protocol);
    const target = sources.protocol;
    if (!step || target === undefined || (kindsOf(step)?.includes(method.kind) ?? true)) return [];
    const message = `${method.path} is a ${method.kind} method, which protocol "${policy.protocol}" cannot carry.`;
    return [problem("KIND_NOT_CARRIED", `policy for ${target}: ${message}`, ["policies", target, "protocol"])];
  });
}

const noChoices = { protocols: new Map(), serializers: new Map(), balancers: new Map(), clusters: new Map() };

function methodsIn(plan: Plan) {
  const served = servedIn(plan).map(({ contract }) => contract);
  const needs = [...plan.steps.values()].flatMap(
    ({ plugin }) => Object.values(plugin.needs) as { calls?: ServiceType }[],
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
