import type { ServiceType, TopicType } from "../contract/types.ts";
import type { Problem } from "../core/config.ts";
import { nearest, suggestion } from "../core/nearest.ts";
import type { Plugin } from "../core/plugin.ts";
import type { ServiceFacts } from "../spi/service.ts";

/** Contracts an app serves or calls, as its plugins declare them before they run. */
export interface KnownContracts {
  readonly services: ReadonlyMap<string, ServiceType>;
  readonly topics: ReadonlySet<string>;
}

export function knownContracts(plugins: readonly Plugin[]): KnownContracts {
  const needs = plugins.flatMap(
    (plugin) =>
      Object.values(plugin.needs) as { calls?: ServiceType | readonly ServiceType[]; publishes?: TopicType }[],
  );
  const facts = plugins.map((plugin) => plugin.facts as Partial<ServiceFacts>);
  const services = [...facts.flatMap(({ contracts = [] }) => contracts), ...needs.flatMap(({ calls = [] }) => calls)];
  const topics = [...facts.flatMap(({ topics = [] }) => topics), ...needs.flatMap(({ publishes = [] }) => publishes)];
  return {
    services: new Map(services.map((contract) => [contract.name, contract])),
    topics: new Set(topics.map(({ name }) => name)),
  };
}

/**
 * What is wrong with the target of a policy as far as the contracts known here tell: a service that is known and has no such
 * method is a problem, one that is not known but nearly so is a warning, for it may run elsewhere.
 */
export function checkTarget(target: string, { services, topics }: KnownContracts): Problem[] {
  const [service = "", method] = target.split("/");
  const path = ["policies", target];
  if (target.includes("*") || topics.has(target)) return [];
  const contract = services.get(service);
  if (!contract) return misspelt(service, [...services.keys(), ...topics], path);
  const methods = Object.values(contract.methods).flatMap(({ name, wireName }) => [name, wireName]);
  if (method === undefined || methods.includes(method)) return [];
  const names = Object.keys(contract.methods);
  return [
    { code: "POLICY_TARGET", message: `${service} has no method "${method}".${suggestion(method, names)}`, path },
  ];
}

function misspelt(service: string, names: readonly string[], path: Problem["path"]): Problem[] {
  const near = nearest(service, names);
  if (near === undefined) return [];
  return [{ code: "POLICY_UNUSED", message: `no service here is called ${service}. Did you mean ${near}?`, path }];
}
