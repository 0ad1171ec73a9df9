import type { AddressInfo } from "node:net";
import { type Exposure, InFlight, type Listener, type Log, type Ports, StatusError } from "@mortise/kernel";
import { unhandledHeader } from "@mortise/kernel/spi/http-metadata";
import { advertisedAddress, bareHost, listenRefusal } from "@mortise/kernel/spi/listening";
import type { TlsMaterial } from "@mortise/kernel/spi/tls-files";
import { corsOf } from "./cors.ts";
import { Exchange, type Incoming, type Outgoing } from "./exchange.ts";
import { type Front, frontOf } from "./front.ts";
import { openApiOf } from "./openapi.ts";
import type { RestOptions } from "./options.ts";
import { HttpError } from "./problem.ts";
import { type RestRoute, refuseClash, routesOf } from "./route.ts";
import { type Place, type Router, routerOf } from "./router.ts";
import { jsonType, ServerCall, type ServerHost } from "./server-call.ts";

export interface ListenerSetup {
  readonly options: RestOptions;
  readonly material: TlsMaterial | undefined;
  readonly ports: Ports;
  readonly log: Log;
}

/** How long the last bytes of answered calls may take to be written once all calls are over. */
const lingerMs = 1000;
const openApiPath = "/openapi.json";
const openApiVerbs = "GET, HEAD, OPTIONS";

/** Opens the port and serves. Rejects with an Error that says which option to change. */
export async function restListener(exposure: Exposure, setup: ListenerSetup): Promise<Listener> {
  const { options, material, ports, log } = setup;
  const inFlight = new InFlight();
  const host: ServerHost = { ports, log, inFlight, maxMessageBytes: options.maxMessageBytes };
  let router: Router = () => undefined;
  let describe: () => Uint8Array = () => new Uint8Array();
  let closing: Promise<void> | undefined;
  const cors = options.cors && corsOf(options.cors, verbsOf);

  function handle(incoming: Incoming, outgoing: Outgoing): void {
    cors?.(incoming, outgoing);
    const exchange = new Exchange(incoming, outgoing);
    try {
      if (closing) return exchange.problem(shutDown(), { [unhandledHeader]: "1", ...closeHeader(incoming) });
      serve(exchange, incoming.url ?? "/", incoming.method ?? "GET");
    } catch (error) {
      if (error instanceof StatusError) return exchange.problem(error);
      log.error("a request could not be answered", { error });
      exchange.problem(new StatusError("INTERNAL", "internal error"));
    }
  }

  /** What a path takes; nothing where nothing is there. */
  function verbsOf(path: string): string | undefined {
    if (options.openapi && path === openApiPath) return openApiVerbs;
    const place = router(path);
    return place && allowed(place);
  }

  function serve(exchange: Exchange, url: string, verb: string): void {
    const [path, query] = splitOnce(url, "?");
    if (verb === "OPTIONS" && path === "*") return exchange.answer(204, {});
    if (options.openapi && path === openApiPath) return serveOpenApi(exchange, verb);
    const place = router(path);
    if (!place) throw new HttpError(404, "UNIMPLEMENTED", "NO_SUCH_PATH", `there is nothing at ${path}`);
    if (verb === "OPTIONS") return exchange.answer(204, { allow: allowed(place) });
    const route = routeFor(place, verb);
    if (!route) return notAllowed(exchange, verb, path, allowed(place));
    new ServerCall(exchange, route, host).begin(place, query);
  }

  function serveOpenApi(exchange: Exchange, verb: string): void {
    if (verb !== "GET" && verb !== "HEAD") return notAllowed(exchange, verb, openApiPath, openApiVerbs);
    exchange.answer(200, { "content-type": jsonType }, describe());
  }

  function update(next: Exposure): void {
    const routes = routesOf(next);
    const offered = routerOf(routes);
    const gone = routerOf(routesOf({ ...next, services: next.gone ?? [] }));
    router = (path) => offered(path) ?? gone(path);
    let text: Uint8Array | undefined;
    describe = () => (text ??= Buffer.from(JSON.stringify(openApiOf(routes, options.title))));
  }

  async function close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => front.server.close(() => resolve()));
    await inFlight.drain(graceMs, ports.timers, shutDown());
    front.retire();
    const late = ports.timers.after(lingerMs, () => front.destroy());
    await closed;
    late.cancel();
    front.destroy();
  }

  const shutDown = () => new StatusError("UNAVAILABLE", `${address} was shut down`);
  refuseClash(routesOf(exposure));
  update(exposure);
  const front = frontOf(options, material, handle);
  const address = advertisedAddress(options, await bind(front, options));
  return { address, update, close: (graceMs) => (closing ??= close(graceMs)) };
}

function bind({ server }: Front, options: RestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(listenRefusal("protocol/rest", options, error.code ?? error.message)),
    );
    server.listen({ host: bareHost(options.host), port: options.port }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

function routeFor({ routes }: Place, verb: string): RestRoute | undefined {
  const found = routes.get(verb);
  if (found || verb !== "HEAD") return found;
  const get = routes.get("GET");
  return get?.method.kind === "unary" ? get : undefined;
}

function allowed({ routes }: Place): string {
  const head = routes.get("GET")?.method.kind === "unary" ? ["HEAD"] : [];
  return [...routes.keys(), ...head, "OPTIONS"].join(", ");
}

function notAllowed(exchange: Exchange, verb: string, path: string, allow: string): void {
  const error = new HttpError(405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED", `${path} takes ${allow}, not ${verb}`);
  exchange.problem(error, { allow });
}

/** HTTP/1.1 alone has a header for it. */
function closeHeader({ httpVersionMajor }: Incoming): Readonly<Record<string, string>> {
  return httpVersionMajor < 2 ? { connection: "close" } : {};
}

function splitOnce(text: string, at: string): readonly [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}
