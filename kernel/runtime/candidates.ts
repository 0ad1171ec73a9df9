import type { Call } from "../call/call.ts";
import { StatusError } from "../call/status.ts";
import { deadlineWheel, type TimePorts } from "../call/timer-wheel.ts";
import type { Method } from "../contract/types.ts";
import type { ServiceView } from "../spi/directory.ts";
import type { Instance } from "../spi/instance.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { Route } from "../spi/router.ts";
import type { Named } from "./parts.ts";

export interface CandidatesSetup {
  readonly method: Method;
  readonly view: ServiceView;
  /** Protocols that may carry the call, best first. */
  readonly protocols: Named<Protocol>;
  readonly routes: readonly Route[];
  /** How long a call waits for the first instance when its deadline is further away, in milliseconds. */
  readonly waitMs: number;
  readonly ports: TimePorts;
}

/** Finds who may take a call of one method. */
export type Candidates = (call: Call) => readonly Instance[] | Promise<readonly Instance[]>;

/** A call waits for this part of the time it has left, so that the reason comes before the deadline does. */
const waitShare = 0.9;

/**
 * The instances of the first protocol that has any and reaches them, narrowed down by the routers. Rejects with UNAVAILABLE and
 * `neverSent` when there are none for too long, or when the routers leave none.
 */
export function candidatesOf(setup: CandidatesSetup): Candidates {
  const reachable = reachableOf(setup);
  const { routes } = setup;
  return (call) => {
    const found = reachable();
    if (found.length === 0) return waitFor(reachable, call, setup).then((late) => routed(late, routes, call));
    return routes.length === 0 ? found : routed(found, routes, call);
  };
}

function routed(found: readonly Instance[], routes: readonly Route[], call: Call): readonly Instance[] {
  let left = found;
  for (const route of routes) left = route(left, call);
  if (left.length > 0) return left;
  throw new StatusError(
    "UNAVAILABLE",
    `the routers leave none of the ${found.length} instances of ${call.method.service} for this call`,
    { reason: "NO_INSTANCE", neverSent: true },
  );
}

/** The same array until the answer changes, which not every change of the view does. */
function reachableOf({ view, protocols }: CandidatesSetup): () => readonly Instance[] {
  let seen: readonly Instance[] | undefined;
  let found: readonly Instance[] = Object.freeze([]);
  return () => {
    if (view.instances === seen) return found;
    seen = view.instances;
    const next = firstReachable(seen, protocols);
    if (next.length !== found.length || next.some((instance, i) => instance !== found[i])) found = Object.freeze(next);
    return found;
  };
}

function firstReachable(instances: readonly Instance[], protocols: Named<Protocol>): Instance[] {
  for (const [name, protocol] of protocols) {
    const found = instances.filter((one) => one.protocol === name && (protocol.reaches?.(one) ?? true));
    if (found.length > 0) return found;
  }
  return [];
}

function waitFor(
  reachable: () => readonly Instance[],
  { context }: Call,
  setup: CandidatesSetup,
): Promise<readonly Instance[]> {
  const wheel = deadlineWheel(setup.ports);
  const now = wheel.now();
  const until = now + Math.min(setup.waitMs, (context.deadline - now) * waitShare);
  return new Promise((resolve, reject) => {
    const end = () => {
      forgetChange();
      forgetCancel();
      timer.cancel();
    };
    const timer = wheel.at(until, () => {
      end();
      reject(nobody(setup));
    });
    const forgetChange = setup.view.onChange(() => {
      const found = reachable();
      if (found.length === 0) return;
      end();
      resolve(found);
    });
    let forgetCancel = () => {};
    forgetCancel = context.onCancel((reason) => {
      end();
      reject(reason);
    });
  });
}

function nobody({ method, view, protocols }: CandidatesSetup): StatusError {
  const others = [...new Set(view.instances.map(({ protocol }) => protocol))];
  const over = [...protocols.keys()].join(" or ");
  const known =
    others.length > 0
      ? `; its instances speak ${others.join(", ")}`
      : "; none is known. Does it run, and do both sides use the same registry?";
  return new StatusError("UNAVAILABLE", `no instance of ${method.service} can be reached over ${over}${known}`, {
    reason: "NO_INSTANCE",
    neverSent: true,
  });
}
