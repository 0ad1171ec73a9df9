import { definePlugin, type Log, type Ports, type Protocol, type ProtocolFacts, protocol } from "@mortise/kernel";
import { secureTcp } from "@mortise/kernel/spi/secure-tcp";
import { hessianConnection } from "./connection.ts";
import { hessianListener } from "./listener.ts";
import { type HessianOptions, hessianOptions } from "./options.ts";
import { subtype } from "./route.ts";

const kinds = ["unary"] as const;

export interface HessianSettings {
  readonly options: HessianOptions;
  readonly ports: Ports;
  readonly log: Log;
}

/** Hessian over HTTP/1.1, among Mortise processes and with Java's HessianProxyFactory and HessianServlet. Throws an Error for certificates that cannot be used. */
export function hessianProtocol({ options, ports, log }: HessianSettings): Protocol {
  const secure = secureTcp("protocol/hessian", options.tls);
  return {
    kinds,
    carries: (serializer) => serializer.subtype === subtype,
    listen: (exposure) => hessianListener(exposure, { options, secure, ports, log }),
    connect: (instance) => hessianConnection(instance, { options, secure, ports }),
  };
}

export const hessian = definePlugin({
  spi: protocol,
  name: "hessian",
  description: "Hessian over HTTP, as Java's HessianProxyFactory and HessianServlet speak it",
  facts: {
    kinds,
    serializers: { only: ["hessian2"], reason: "its calls are arguments and a result in Hessian" },
  } satisfies ProtocolFacts,
  options: hessianOptions,
  exclusive: ({ port }) => port !== 0,
  setup: ({ options, ports, log }) => ({ api: hessianProtocol({ options, ports, log }) }),
});
