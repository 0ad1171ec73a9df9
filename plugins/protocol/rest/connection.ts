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
import { restRuleOf } from "@mortise/kernel/contract";
import { restInvoker } from "./client-call.ts";
import { subtype } from "./route.ts";
import type { SessionLease } from "./session-pool.ts";

/** A way to one instance. It connects at the first call and again whenever the connection is lost. */
export function restConnection(
  { address }: Instance,
  lease: () => SessionLease,
  maxMessageBytes: number,
  ports: Ports,
): Connection {
  const inFlight = new InFlight();
  let held: SessionLease | undefined;
  let closing: Promise<void> | undefined;

  function compiled(method: Method, serializer: Serializer): Invoker {
    refuseUncarried(method, serializer);
    held ??= lease();
    const { session } = held;
    const [input, output] = [serializer.codec(method.input), serializer.codec(method.output)];
    const rule = restRuleOf(method);
    return restInvoker({ method, rule, input, output, address, session, inFlight, ports, maxMessageBytes });
  }

  async function close(graceMs: number): Promise<void> {
    const reason = new StatusError("UNAVAILABLE", `the connection to ${address} was closed`);
    await inFlight.drain(graceMs, ports.timers, reason);
    held?.release();
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
  if (kind !== "unary" && kind !== "server-stream")
    throw wrong(`protocol/rest carries no ${kind} calls such as ${path}`);
  if (serializer.subtype === subtype) return;
  throw wrong(`the serializer "${serializer.subtype}" is not carried by protocol/rest; it takes ${subtype}`);
}

function closed(address: string): StatusError {
  return new StatusError("UNAVAILABLE", `the connection to ${address} is closed`, { neverSent: true });
}
