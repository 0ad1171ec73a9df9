import type { ChannelInterface } from "@grpc/grpc-js";
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
import type { ChannelLease } from "./channel-pool.ts";
import type { ClientRoute } from "./client-call.ts";
import { streamInvoker } from "./client-stream.ts";
import { unaryInvoker } from "./client-unary.ts";

/** What the peer assumes when no serializer is named. */
export const usualSubtype = "proto";

/** A way to one instance. The channel behind it connects at the first call and again whenever it is lost. */
export function grpcConnection(
  { address }: Instance,
  lease: () => ChannelLease,
  maxMessageBytes: number,
  { clock, timers }: Pick<Ports, "clock" | "timers">,
): Connection {
  const inFlight = new InFlight();
  let held: ChannelLease | undefined;
  let closing: Promise<void> | undefined;

  function channel(): ChannelInterface {
    held ??= lease();
    return held.channel;
  }

  async function close(graceMs: number): Promise<void> {
    await inFlight.drain(graceMs, timers, new StatusError("UNAVAILABLE", `the connection to ${address} was closed`));
    held?.release();
  }

  return {
    invoker: (method, serializer) => {
      let invoke: Invoker | undefined;
      return (call) => {
        if (closing) return Promise.reject(closed(address));
        if (call.context.cancelled) return Promise.reject(call.context.cancelled);
        invoke ??= compile(route(method, serializer, channel()));
        return invoke(call);
      };
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };

  function route(method: Method, serializer: Serializer, channel: ChannelInterface): ClientRoute {
    const { subtype } = serializer;
    return {
      method,
      path: `/${method.path}`,
      input: serializer.codec(method.input),
      output: serializer.codec(method.output),
      subtype: subtype === usualSubtype ? undefined : subtype,
      address,
      channel,
      target: channel.getTarget(),
      inFlight,
      clock,
      maxMessageBytes,
    };
  }
}

function compile(route: ClientRoute): Invoker {
  return route.method.kind === "unary" ? unaryInvoker(route) : streamInvoker(route);
}

function closed(address: string): StatusError {
  return new StatusError("UNAVAILABLE", `the connection to ${address} is closed`, { neverSent: true });
}
