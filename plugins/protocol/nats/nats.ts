import { definePlugin, type Log, type Ports, type Protocol, type ProtocolFacts, protocol } from "@mortise/kernel";
import { type Housing, natsConnection } from "./connection.ts";
import { natsInbox } from "./inbox.ts";
import { natsLink } from "./link.ts";
import { natsListener } from "./listener.ts";
import { type NatsOptions, natsOptions } from "./options.ts";
import { instanceAddress } from "./subjects.ts";

const kinds = ["unary", "server-stream", "client-stream", "bidi-stream"] as const;

export interface NatsSettings {
  readonly options: NatsOptions;
  readonly ports: Ports;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** Where to listen. Default: an address nobody else has. */
  readonly address?: string | undefined;
}

/** Calls over NATS. Connects first; throws a StatusError if no server can be reached. */
export async function natsProtocol(settings: NatsSettings): Promise<{ api: Protocol; stop: () => Promise<void> }> {
  const { options, ports, log, signal, address } = settings;
  const link = await natsLink(options, ports, log, signal);
  const housing: Housing = { link, inbox: natsInbox(link, ports.ids, options.inboxPrefix), options, ports };
  const api: Protocol = {
    kinds,
    listen: (exposure) => {
      const own = address ?? instanceAddress(options.prefix, ports.ids.hex(11));
      return natsListener(exposure, { ...housing, log, address: own });
    },
    connect: (instance) => natsConnection(instance.address, housing),
  };
  return { api, stop: () => link.stop() };
}

export const nats = definePlugin({
  spi: protocol,
  name: "nats",
  description: "Calls over NATS: no ports to open, queue groups, and seen by `nats micro`",
  facts: { kinds } satisfies ProtocolFacts,
  options: natsOptions,
  setup: ({ options, ports, log, signal }) => natsProtocol({ options, ports, log, signal }),
});
