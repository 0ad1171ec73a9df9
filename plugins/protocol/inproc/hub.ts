import {
  answered,
  type Exposure,
  InFlight,
  type Listener,
  type ServedMethod,
  StatusError,
  type Timers,
} from "@mortise/kernel";
import type { Witness } from "./passage.ts";

/** A listener as connections see it. */
export interface InprocServer {
  /** By path. */
  routes: ReadonlyMap<string, ServedMethod>;
  readonly inFlight: InFlight;
  readonly witness: Witness;
}

/** Listeners by address: who can reach each other. */
export type InprocHub = Map<string, InprocServer>;

/** Offers `exposure` at an address of the hub. Throws an Error if the address is taken. */
export function listenAt(
  hub: InprocHub,
  address: string,
  exposure: Exposure,
  { timers, ...witness }: Witness & { readonly timers: Timers },
): Listener {
  if (hub.has(address)) throw new Error(`protocol/inproc cannot listen at ${address}: another listener is there`);
  const server: InprocServer = { routes: routesOf(exposure), inFlight: new InFlight(), witness };
  hub.set(address, server);

  async function close(graceMs: number): Promise<void> {
    hub.delete(address);
    await server.inFlight.drain(graceMs, timers, new StatusError("UNAVAILABLE", `${address} was shut down`));
  }

  let closing: Promise<void> | undefined;
  return {
    address,
    update: (next) => {
      server.routes = routesOf(next);
    },
    close: (graceMs) => {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

function routesOf(exposure: Exposure): ReadonlyMap<string, ServedMethod> {
  return new Map(
    answered(exposure).flatMap(({ methods }) =>
      [...methods.values()].map((served) => [served.method.path, served] as const),
    ),
  );
}
