import { definePlugin, type Log, type Ports, type Protocol, type ProtocolFacts, protocol } from "@mortise/kernel";
import { inprocConnection } from "./connection.ts";
import { type InprocHub, listenAt } from "./hub.ts";

export interface InprocSettings {
  readonly ports: Ports;
  readonly log: Log;
  /** Who can reach each other. Default: those of this protocol alone. */
  readonly hub?: InprocHub;
  /** Where to listen. Default: an address nobody else has. */
  readonly address?: string | undefined;
}

const kinds = ["unary", "server-stream", "client-stream", "bidi-stream"] as const;

/** Calls within the process: no bytes, but deadlines, cancellation, errors and streams as over a network. */
export function inprocProtocol({ ports, log, hub = new Map(), address }: InprocSettings): Protocol {
  const { ids, timers } = ports;
  return {
    kinds,
    listen: async (exposure) => listenAt(hub, address ?? `inproc:${ids.hex(8)}`, exposure, { log, ids, timers }),
    connect: (instance) => inprocConnection(instance.address, hub, ports),
    reaches: (instance) => hub.has(instance.address),
  };
}

export const inproc = definePlugin({
  spi: protocol,
  name: "inproc",
  description: "Calls within the process, without bytes",
  facts: { kinds } satisfies ProtocolFacts,
  setup: ({ ports, log }) => ({ api: inprocProtocol({ ports, log }) }),
});
