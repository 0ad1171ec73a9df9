import { Agent } from "node:http";
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
import { hessianInvoker } from "./client-call.ts";
import type { HessianOptions } from "./options.ts";
import { routeOf, subtype } from "./route.ts";

/** A way to one instance: connections of HTTP/1.1, opened as they are needed and kept for the next call. */
export function hessianConnection({ address }: Instance, options: HessianOptions, ports: Ports): Connection {
  const { maxMessageBytes, connectTimeoutMs, maxSockets } = options;
  const inFlight = new InFlight();
  const agent = new Agent({ keepAlive: true, maxSockets });
  let closing: Promise<void> | undefined;

  function compiled(method: Method, serializer: Serializer): Invoker {
    refuseUncarried(method, serializer);
    const route = routeOf(method, serializer, options.services);
    return hessianInvoker({ route, address, agent, inFlight, ports, maxMessageBytes, connectTimeoutMs });
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

function refuseUncarried({ path, kind }: Method, serializer: Serializer): void {
  const wrong = (message: string) => new StatusError("UNIMPLEMENTED", message, { neverSent: true });
  if (kind !== "unary") throw wrong(`protocol/hessian carries no ${kind} calls such as ${path}`);
  if (serializer.subtype === subtype) return;
  throw wrong(`the serializer "${serializer.subtype}" is not carried by protocol/hessian; it takes ${subtype}`);
}

function closed(address: string): StatusError {
  return new StatusError("UNAVAILABLE", `the connection to ${address} is closed`, { neverSent: true });
}
