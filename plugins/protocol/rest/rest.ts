import { definePlugin, type Log, type Ports, type Protocol, type ProtocolFacts, protocol } from "@mortise/kernel";
import { readTlsFiles } from "@mortise/kernel/spi/tls-files";
import { restConnection } from "./connection.ts";
import { restListener } from "./listener.ts";
import { type RestOptions, restOptions } from "./options.ts";
import { clashOf, subtype } from "./route.ts";
import { sessionPool } from "./session-pool.ts";

const kinds = ["unary", "server-stream"] as const;

export interface RestSettings {
  readonly options: RestOptions;
  readonly ports: Ports;
  readonly log: Log;
}

/** Calls over HTTP as people expect them. Throws an Error for certificates that cannot be used. */
export function restProtocol({ options, ports, log }: RestSettings): Protocol {
  const material = options.tls && readTlsFiles("protocol/rest", options.tls);
  const lease = sessionPool({ options, material, timers: ports.timers });
  return {
    kinds,
    carries: (serializer) => serializer.subtype === subtype,
    listen: (exposure) => restListener(exposure, { options, material, ports, log }),
    connect: (instance) => restConnection(instance, () => lease(instance.address), options.maxMessageBytes, ports),
  };
}

export const rest = definePlugin({
  spi: protocol,
  name: "rest",
  description: "HTTP/1.1 and HTTP/2 with JSON: paths of the contract, OpenAPI, server-sent events",
  facts: {
    kinds,
    serializers: { only: ["json"], reason: "its bodies are for browsers, curl and people" },
    clash: clashOf,
  } satisfies ProtocolFacts,
  options: restOptions,
  exclusive: ({ port }) => port !== 0,
  setup: ({ options, ports, log }) => ({ api: restProtocol({ options, ports, log }) }),
});
