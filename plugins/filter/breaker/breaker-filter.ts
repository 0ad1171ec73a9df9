import {
  type Breaker,
  type CallSite,
  type Circuit,
  type Clock,
  codeOf,
  type Filter,
  goingUntilOver,
  type Instance,
  type Invoker,
  isFailure,
  policyFields,
  StatusError,
} from "@mortise/kernel";
import { z } from "zod";

export const breakerPolicy = policyFields({
  breaker: z.string().default("").describe("The breaker that guards calls; empty: none"),
  breakerScope: z
    .enum(["method", "instance"])
    .default("method")
    .describe(
      "What a circuit stands for: the method, or the method on one instance, so that a sick instance alone is left out",
    ),
});

/** Keeps calls away from what fails. `breakers` are those that serve now, by name. */
export function breakerFilter(breakers: () => ReadonlyMap<string, Breaker>, clock: Clock): Filter {
  return {
    wrap(site) {
      const { breaker, breakerScope } = breakerPolicy.of(site);
      if (breaker === "" || site.place !== (breakerScope === "method" ? "call" : "attempt")) return undefined;
      const circuits = chosen(breaker, breakers()).circuits(site);
      const circuitOf = breakerScope === "method" ? sharedBy(circuits) : perInstance(circuits);
      return (next) => guarded(site, next, circuitOf, clock);
    },
  };
}

function chosen(name: string, breakers: ReadonlyMap<string, Breaker>): Breaker {
  const found = breakers.get(name);
  if (found) return found;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `policy: breaker "${name}" is not loaded; there are: ${[...breakers.keys()].join(", ") || "none"}`,
  );
}

type CircuitOf = (instance: Instance | undefined) => Circuit;

function sharedBy(make: () => Circuit): CircuitOf {
  const circuit = make();
  return () => circuit;
}

function perInstance(make: () => Circuit): CircuitOf {
  const circuits = new WeakMap<Instance, Circuit>();
  const unknown = make();
  return (instance) => {
    if (!instance) return unknown;
    const known = circuits.get(instance) ?? make();
    circuits.set(instance, known);
    return known;
  };
}

function guarded({ method }: CallSite, next: Invoker, circuitOf: CircuitOf, clock: Clock): Invoker {
  return (call) => {
    const circuit = circuitOf(call.instance);
    if (!circuit.admit()) return Promise.reject(open(method.path, call.instance));
    const began = clock.now();
    return goingUntilOver(next, call, (error) => {
      const code = codeOf(error);
      if (code === "CANCELLED") circuit.forget();
      else circuit.record(code === "OK" || !isFailure(code), clock.now() - began);
    });
  };
}

function open(path: string, instance: Instance | undefined): StatusError {
  const where = instance ? `${path} on ${instance.address}` : path;
  return new StatusError("UNAVAILABLE", `the circuit of ${where} is open: too many calls have failed`, {
    reason: "CIRCUIT_OPEN",
    neverSent: true,
  });
}
