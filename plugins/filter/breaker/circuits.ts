import type { Breaker, CallSite, Circuit, Instance } from "@mortise/kernel";

/** The circuit of an attempt on an instance, or of a call that has none yet. */
export type CircuitOf = (instance: Instance | undefined) => Circuit;

/** One circuit for all calls of a path. */
export function sharedBy(make: () => Circuit): CircuitOf {
  const circuit = make();
  return () => circuit;
}

/** A circuit for each instance. */
export function perInstance(make: () => Circuit): CircuitOf {
  const circuits = new WeakMap<Instance, Circuit>();
  const unknown = make();
  return (instance) => {
    if (!instance) return unknown;
    const known = circuits.get(instance) ?? make();
    circuits.set(instance, known);
    return known;
  };
}

/** How many circuits are remembered; beyond, those made first are made anew for methods that are compiled later. */
const maxShared = 1000;

/** Gives all methods of a service the same circuit, as long as one breaker serves them and policies say the same of it. */
export function perService(): (site: CallSite, breaker: Breaker) => CircuitOf {
  const all = new WeakMap<Breaker, Map<string, CircuitOf>>();
  return (site, breaker) => {
    const circuits = all.get(breaker) ?? new Map<string, CircuitOf>();
    all.set(breaker, circuits);
    const key = JSON.stringify([site.method.service, fieldsOfBreakers(site)]);
    const found = circuits.get(key) ?? sharedBy(breaker.circuits(site));
    circuits.set(key, found);
    const [first] = circuits.keys();
    if (circuits.size > maxShared && first !== undefined) circuits.delete(first);
    return found;
  };
}

function fieldsOfBreakers({ policy }: CallSite): readonly unknown[] {
  return Object.entries(policy.fields)
    .filter(([name]) => name.startsWith("breaker"))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
