import { definePlugin, type Log, type Ports, type Protocol, type ProtocolFacts, protocol } from "@mortise/kernel";
import { secureTcp } from "@mortise/kernel/spi/secure-tcp";
import { numbering } from "./client-route.ts";
import { dubboConnection, linkPool } from "./connection.ts";
import { dubboListener } from "./listener.ts";
import { type DubboOptions, options } from "./options.ts";
import { vigil } from "./vigil.ts";

export interface DubboSetup {
  readonly options: DubboOptions;
  readonly ports: Ports;
  readonly log: Log;
}

const kinds = ["unary"] as const;

/** Dubbo 2 over TCP, among Mortise processes and with Apache Dubbo. Throws an Error for certificates that cannot be used. */
export function dubboProtocol({ options, ports, log }: DubboSetup): Protocol {
  const watching = vigil(options, ports);
  const secure = secureTcp("protocol/dubbo", options.tls);
  const lease = linkPool({ options, secure, ports, vigil: watching });
  const route = { services: options.services, numberOf: numbering(), clock: ports.clock, ports };
  return {
    kinds,
    listen: (exposure) => dubboListener(exposure, { options, secure, ports, log, vigil: watching }),
    connect: (instance) => dubboConnection(instance, lease, route),
  };
}

export const dubbo = definePlugin({
  spi: protocol,
  name: "dubbo",
  description: "Dubbo 2 over TCP: many calls on few connections, and calls from and to Apache Dubbo",
  facts: { kinds } satisfies ProtocolFacts,
  options,
  exclusive: ({ port }) => port !== 0,
  setup: ({ options, ports, log }) => ({ api: dubboProtocol({ options, ports, log }) }),
});
