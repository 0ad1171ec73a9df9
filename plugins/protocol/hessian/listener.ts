import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Exposure, InFlight, type Listener, type Log, type Ports, StatusError, type Timer } from "@mortise/kernel";
import { unhandledHeader } from "@mortise/kernel/spi/http-metadata";
import { advertisedAddress, bareHost, listenRefusal } from "@mortise/kernel/spi/listening";
import { type SecureTcp, tcpServer } from "@mortise/kernel/spi/secure-tcp";
import { writeFault } from "./envelope.ts";
import { Exchange } from "./exchange.ts";
import type { HessianOptions } from "./options.ts";
import { pathOf, routeOf, subtype } from "./route.ts";
import { type ServedPath, type ServedRoute, ServerCall, type ServerHost } from "./server-call.ts";

export interface ListenerSetup {
  readonly options: HessianOptions;
  readonly secure: SecureTcp | undefined;
  readonly ports: Ports;
  readonly log: Log;
}

/** How long the last bytes of answered calls may take to be written once all calls are over. */
const lingerMs = 1000;
const maxHeaderSize = 65_536;
/** How long a connection may take until its first request, in milliseconds. */
const firstRequestMs = 60_000;

/** Opens the port and serves. Rejects with an Error that says which option to change. */
export async function hessianListener(exposure: Exposure, setup: ListenerSetup): Promise<Listener> {
  const { options, ports, log } = setup;
  const inFlight = new InFlight();
  const sockets = new Map<Socket, Known>();
  let paths = offered(exposure, options);
  let closing: Promise<void> | undefined;
  const host: ServerHost = {
    ports,
    log,
    inFlight,
    maxMessageBytes: options.maxMessageBytes,
    closingHeaders: () => (closing ? { connection: "close" } : {}),
  };

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const known = sockets.get(incoming.socket);
    if (known) {
      known.silent.cancel();
      known.underWay++;
      outgoing.on("close", () => known.underWay--);
    }
    const exchange = new Exchange(incoming, outgoing);
    if (closing) {
      return exchange.answer(503, { [unhandledHeader]: "1", connection: "close" }, writeFault(shutDown()));
    }
    if (incoming.method !== "POST") {
      const hint = Buffer.from("This port speaks Hessian: calls are made with POST.\n");
      return exchange.answer(405, { allow: "POST" }, hint, "text/plain; charset=utf-8");
    }
    const [path = "/"] = (incoming.url ?? "/").split("?");
    new ServerCall(exchange, path, host).begin(paths.get(path));
  }

  const http = createServer({ maxHeaderSize, keepAliveTimeout: options.keepAliveMs }, handle);
  http.on("clientError", refuse);
  /** A server of HTTP would cut idle connections when it closes, in the middle of a request that is on its way. */
  const { server, destroy } = tcpServer(setup.secure, (socket) => {
    const silent = ports.timers.after(firstRequestMs, () => socket.destroy());
    sockets.set(socket, { underWay: 0, silent });
    socket.on("close", () => {
      silent.cancel();
      sockets.delete(socket);
    });
    http.emit("connection", socket);
  });
  server.maxConnections = options.maxConnections;

  /** Idle connections end from this side, and are over once their peers have seen it. */
  async function close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await inFlight.drain(graceMs, ports.timers, shutDown());
    for (const [socket, { underWay }] of sockets) if (underWay === 0) socket.end();
    const late = ports.timers.after(lingerMs, destroy);
    await closed;
    late.cancel();
  }

  const shutDown = () => new StatusError("UNAVAILABLE", `${address} was shut down`);
  const address = advertisedAddress(options, await bind());

  function bind(): Promise<number> {
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) =>
        reject(listenRefusal("protocol/hessian", options, error.code ?? error.message)),
      );
      server.listen({ host: bareHost(options.host), port: options.port }, () =>
        resolve((server.address() as AddressInfo).port),
      );
    });
  }

  return {
    address,
    update(next) {
      paths = offered(next, options);
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

/** A connection that was accepted. */
interface Known {
  underWay: number;
  readonly silent: Timer;
}

/** What an exposure comes to, by path. Throws an Error where options and contract do not fit each other. */
function offered(
  { services, gone = [], serializers }: Exposure,
  options: HessianOptions,
): ReadonlyMap<string, ServedPath> {
  return new Map([gone, services].flatMap((some) => [...pathsOf(some, serializers, options)]));
}

function pathsOf(
  services: Exposure["services"],
  serializers: Exposure["serializers"],
  options: HessianOptions,
): ReadonlyMap<string, ServedPath> {
  const serializer = [...serializers.values()].find((one) => one.subtype === subtype);
  const paths = new Map<string, Map<string, readonly ServedRoute[]>>();
  for (const { service, methods } of serializer ? services : []) {
    const path = pathOf(service.name, options.services);
    const served = paths.get(path) ?? new Map<string, readonly ServedRoute[]>();
    paths.set(path, served);
    for (const { method, invoke } of methods.values()) {
      if (method.kind !== "unary" || !serializer) continue;
      const route = routeOf(method, serializer, options.services);
      served.set(route.name, [...(served.get(route.name) ?? []), { route, invoke }]);
    }
  }
  return paths;
}

/** What is no HTTP costs its sender the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Pick<Socket, "writable" | "end" | "destroy">): void {
  const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
  if (socket.writable && error.code !== "ECONNRESET")
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  else socket.destroy();
}
