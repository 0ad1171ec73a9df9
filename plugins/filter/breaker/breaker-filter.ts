import {
  type Breaker,
  type Call,
  type Clock,
  codeOf,
  type Filter,
  goingUntilOver,
  type Invoker,
  isFailure,
  policyFields,
  StatusError,
} from "@mortise/kernel";
import { z } from "zod";
import { type CircuitOf, perInstance, perService, sharedBy } from "./circuits.ts";

export const breakerPolicy = policyFields({
  breaker: z.string().default("").describe("The breaker that guards calls; empty: none"),
  breakerScope: z
    .enum(["method", "service", "instance"])
    .default("method")
    .describe(
      "What a circuit stands for: the method, all methods of the service, or the method on one instance, so that a sick instance alone is left out",
    ),
});

/** Keeps calls away from what fails. `breakers` are those that serve now, by name. */
export function breakerFilter(breakers: () => ReadonlyMap<string, Breaker>, clock: Clock): Filter {
  const ofService = perService();
  return {
    wrap(site) {
      const { breaker, breakerScope } = breakerPolicy.of(site);
      if (breaker === "" || site.place !== (breakerScope === "instance" ? "attempt" : "call")) return undefined;
      const serving = chosen(breaker, breakers());
      const what = breakerScope === "service" ? site.method.service : site.method.path;
      const circuitOf = {
        method: () => sharedBy(serving.circuits(site)),
        service: () => ofService(site, serving),
        instance: () => perInstance(serving.circuits(site)),
      }[breakerScope]();
      return (next) => guarded(what, next, circuitOf, clock);
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

function guarded(what: string, next: Invoker, circuitOf: CircuitOf, clock: Clock): Invoker {
  return (call) => {
    const circuit = circuitOf(call.instance);
    if (!circuit.admit()) return Promise.reject(open(what, call.instance));
    const began = clock.now();
    return goingUntilOver(next, call, (error) => {
      const code = codeOf(error);
      if (code === "CANCELLED") circuit.forget();
      else circuit.record(code === "OK" || !isFailure(code), clock.now() - began);
    });
  };
}

function open(what: string, instance: Call["instance"]): StatusError {
  const where = instance ? `${what} on ${instance.address}` : what;
  return new StatusError("UNAVAILABLE", `the circuit of ${where} is open: too many calls have failed`, {
    reason: "CIRCUIT_OPEN",
    neverSent: true,
  });
}
