import {
  Server,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
  type ServerOptions,
} from "@grpc/grpc-js";
import {
  type Exposure,
  InFlight,
  type Listener,
  type Log,
  type Ports,
  StatusError,
  type Timer,
  type Timers,
} from "@mortise/kernel";
import { advertisedAddress } from "@mortise/kernel/spi/listening";
import { bind } from "./bind.ts";

import type { GrpcOptions } from "./options.ts";
import { ownServices } from "./own-services.ts";
import { routesOf, type ServerHost, type ServerRoute } from "./server-route.ts";
import { StreamServerCall } from "./server-stream.ts";
import { UnaryServerCall } from "./server-unary.ts";
import type { Credentials } from "./tls.ts";

/** What a listener needs of its plugin. */
export interface Housing {
  readonly options: GrpcOptions;
  readonly credentials: Credentials;
  readonly ports: Ports;
  readonly log: Log;
}

/** How long the last bytes of answered calls may take to be written once all calls are over. */
const lingerMs = 1000;

type Routes = ReadonlyMap<string, ServerRoute>;

/** Opens the port and serves. Rejects with an Error that says which option to change. */
export async function grpcListener(exposure: Exposure, housing: Housing): Promise<Listener> {
  const { options, ports } = housing;
  const calls = new InFlight();
  const ownCalls = new InFlight();
  const ownRoutes = ownServices(options, ownCalls);
  const host: ServerHost = {
    ...housing,
    maxMessageBytes: options.maxMessageBytes,
    mutual: options.tls?.mutual ?? false,
  };
  let routes: Routes = new Map();
  const server = new Server({
    ...serverOptions(options),
    interceptors: [(method, call) => takeOver(method, call, () => routes, host)],
  });

  function update(next: Exposure): void {
    const offered = new Map([...ownRoutes(next), ...routesOf(next, calls)]);
    for (const path of routes.keys()) if (!offered.has(path)) server.unregister(path);
    for (const path of offered.keys()) if (!routes.has(path)) server.register(path, unused, asIs, asIs, "unary");
    routes = offered;
  }

  async function close(graceMs: number): Promise<void> {
    const reason = new StatusError("UNAVAILABLE", `${address} was shut down`);
    const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    ownCalls.cut(reason);
    await calls.drain(graceMs, ports.timers, reason);
    if (!(await isDone(closed, lingerMs, ports.timers))) server.forceShutdown();
  }

  update(exposure);
  const address = advertisedAddress(options, await bind(server, options, housing.credentials.server()));
  let closing: Promise<void> | undefined;
  return { address, update, close: (graceMs) => (closing ??= close(graceMs)) };
}

/** Whether `work` is done within `ms`. */
async function isDone(work: Promise<void>, ms: number, timers: Timers): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = timers.after(ms, () => resolve(false));
  });
  const done = await Promise.race([work.then(() => true), late]);
  timer?.cancel();
  return done;
}

const asIs = (bytes: Buffer): Buffer => bytes;
const unused = (): void => undefined;

/**
 * Takes a call from grpc-js before it makes its own objects for it, which cost as much again as the call itself: the
 * responder's `start` never calls `next`.
 */
function takeOver(
  { path }: ServerMethodDefinition<unknown, unknown>,
  call: ServerInterceptingCallInterface,
  routes: () => Routes,
  host: ServerHost,
): ServerInterceptingCall {
  return new ServerInterceptingCall(call, {
    start: () => {
      const route = routes().get(path);
      if (route) serve(route, call, host);
    },
  });
}

function serve(route: ServerRoute, call: ServerInterceptingCallInterface, host: ServerHost): void {
  const serving =
    route.method.kind === "unary" ? new UnaryServerCall(call, route, host) : new StreamServerCall(call, route, host);
  serving.begin();
}

function serverOptions(options: GrpcOptions): ServerOptions {
  const { maxMessageBytes, keepaliveMs, keepaliveTimeoutMs, maxConcurrentStreams } = options;
  return {
    "grpc.enable_channelz": 0, // counts every message for a page nobody opens
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": -1, // checked where the error can name the option
    "grpc.max_concurrent_streams": maxConcurrentStreams,
    ...(keepaliveMs > 0 && {
      "grpc.keepalive_time_ms": keepaliveMs,
      "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    }),
  };
}
