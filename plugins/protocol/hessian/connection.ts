import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import {
  type Connection,
  InFlight,
  type Instance,
  type Invoker,
  type Method,
  type Ports,
  type Serializer,
  StatusError,
} from "@mortise/kernel";
import { clientTls, type SecureTcp } from "@mortise/kernel/spi/secure-tcp";
import { hessianInvoker } from "./client-call.ts";
import type { HessianOptions } from "./options.ts";
import { routeOf, subtype } from "./route.ts";

export interface ConnectionSetup {
  readonly options: HessianOptions;
  readonly secure: SecureTcp | undefined;
  readonly ports: Ports;
}

/** A way to one instance: connections of HTTP/1.1, opened as they are needed and kept for the next call. */
export function hessianConnection({ address }: Instance, { options, secure, ports }: ConnectionSetup): Connection {
  const { maxMessageBytes, connectTimeoutMs, maxSockets } = options;
  const inFlight = new InFlight();
  const pooling = { keepAlive: true, maxSockets };
  const agent = secure ? new SecureAgent({ ...pooling, ...clientTls(secure, hostOf(address)) }) : new Agent(pooling);
  let closing: Promise<void> | undefined;

  function compiled(method: Method, serializer: Serializer): Invoker {
    refuseUncarried(method, serializer);
    const route = routeOf(method, serializer, options.services);
    const secured = secure !== undefined;
    return hessianInvoker({ route, address, agent, secured, inFlight, ports, maxMessageBytes, connectTimeoutMs });
  }

  async function close(graceMs: number): Promise<void> {
    await inFlight.drain(
      graceMs,
      ports.timers,
      new StatusError("UNAVAILABLE", `the connection to ${address} was closed`),
    );
    agent.destroy();
  }

  return {
    invoker: (method, serializer) => {
      let invoke: Invoker | undefined;
      return async (call) => {
        if (closing) throw closed(address);
        if (call.context.cancelled) throw call.context.cancelled;
        invoke ??= compiled(method, serializer);
        return invoke(call);
      };
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

const hostOf = (address: string): string => new URL(`http://${address}`).hostname;

function refuseUncarried({ path, kind }: Method, serializer: Serializer): void {
  const wrong = (message: string) => new StatusError("UNIMPLEMENTED", message, { neverSent: true });
  if (kind !== "unary") throw wrong(`protocol/hessian carries no ${kind} calls such as ${path}`);
  if (serializer.subtype === subtype) return;
  throw wrong(`the serializer "${serializer.subtype}" is not carried by protocol/hessian; it takes ${subtype}`);
}

function closed(address: string): StatusError {
  return new StatusError("UNAVAILABLE", `the connection to ${address} is closed`, { neverSent: true });
}
