import type { OutgoingHttpHeaders } from "node:http";
import {
  type CallContext,
  contextFromHeaders,
  contextHeaderNames,
  decodeTimeout,
  handlerError,
  type InFlight,
  type InFlightCall,
  type Invoker,
  type Log,
  type Metadata,
  noMetadata,
  type Ports,
  StatusError,
} from "@mortise/kernel";
import { addMetadata, HttpMetadata, trailerPrefix } from "@mortise/kernel/spi/http-metadata";
import { peerOfSocket, withPeer } from "@mortise/kernel/spi/peer";
import { readCall, wantsFirstVersion, writeFault, writeFirstFault, writeReply } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";
import type { HessianRoute } from "./route.ts";

/** A method as the server offers it. */
export interface ServedRoute {
  readonly route: HessianRoute;
  readonly invoke: Invoker;
}

/** The methods of one path, by their names in Java. */
export type ServedPath = ReadonlyMap<string, readonly ServedRoute[]>;

/** What all calls of a listener share. */
export interface ServerHost {
  readonly ports: Ports;
  readonly log: Log;
  readonly inFlight: InFlight;
  readonly maxMessageBytes: number;
  /** What is told to callers of a server that is about to end. */
  closingHeaders(): OutgoingHttpHeaders;
}

/** Whoever leaves so shortly before the deadline, in milliseconds, leaves because of it: its clock began earlier. */
const lateMs = 20;

/** One request as it is served. */
export class ServerCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  readonly #exchange: Exchange;
  readonly #path: string;
  readonly #host: ServerHost;
  readonly #context: CallContext;
  #route: HessianRoute | undefined = undefined;
  #forget: () => void = () => undefined;
  #isFirst = false;
  #over = false;

  constructor(exchange: Exchange, path: string, host: ServerHost) {
    const { headers, socket } = exchange.incoming;
    const timeout = headers[contextHeaderNames.timeout];
    const timeoutMs = typeof timeout === "string" ? decodeTimeout(timeout) : undefined;
    this.#exchange = exchange;
    this.#path = path;
    this.#host = host;
    const context = contextFromHeaders(new HttpMetadata(headers), host.ports, timeoutMs);
    this.#context = withPeer(context, peerOfSocket(socket));
  }

  begin(served: ServedPath | undefined): void {
    this.#host.inFlight.add(this);
    this.#forget = this.#context.onCancel((reason) => this.cut(reason));
    this.#exchange.onClose(() => this.#gone());
    this.#serve(served).catch((error: unknown) => this.#fail(error));
  }

  async #serve(served: ServedPath | undefined): Promise<void> {
    if (this.#context.deadline <= this.#host.ports.clock.now()) throw tooLate();
    const body = await this.#exchange.body(this.#host.maxMessageBytes);
    if (this.#over) return;
    this.#isFirst = wantsFirstVersion(body);
    const call = readCall(body);
    if (!served) throw new StatusError("UNIMPLEMENTED", `no service is offered at ${this.#path}`);
    if (this.#isFirst) throw new StatusError("UNIMPLEMENTED", "replies are in Hessian 2; ask for them with c 2 0");
    const { route, invoke } = routeFor(served, call.method, call.count, this.#path);
    this.#route = route;
    const request = call.values ? route.fromValues(call.values) : route.readArguments(body, call.start);
    const reply = await invoke({ method: route.method, request, context: this.#context });
    if (this.#over) return;
    const bytes = this.#encode(route, reply.response);
    const headers = this.#headers(reply.headers, reply.trailers());
    this.#finish();
    this.#exchange.answer(200, headers, bytes);
  }

  /** Throws RESOURCE_EXHAUSTED for a reply that is too long; anything else it throws is the handler's mistake. */
  #encode(route: HessianRoute, response: unknown): Uint8Array {
    const { maxMessageBytes } = this.#host;
    const bytes = this.#encoded(route, response);
    if (bytes.length <= maxMessageBytes) return bytes;
    const message = `the response of ${route.method.path} has ${bytes.length} bytes; the option maxMessageBytes of protocol/hessian allows ${maxMessageBytes}`;
    throw new StatusError("RESOURCE_EXHAUSTED", message);
  }

  #encoded(route: HessianRoute, response: unknown): Uint8Array {
    try {
      return writeReply(route.writeResult(response));
    } catch (cause) {
      throw new TypeError(`the response cannot be encoded: ${(cause as Error).message}`, { cause });
    }
  }

  /** Headers that HTTP forbids are left out: the reply itself matters more. */
  #headers(headers: Metadata, trailers: Metadata): OutgoingHttpHeaders {
    const sent = this.#host.closingHeaders();
    try {
      if (headers !== noMetadata) addMetadata(sent, headers);
      if (trailers !== noMetadata) addMetadata(sent, trailers, trailerPrefix);
    } catch (error) {
      this.#host.log.error(`${this.#path}: ${(error as Error).message}`);
    }
    return sent;
  }

  #gone(): void {
    if (this.#over) return;
    const leftMs = this.#context.deadline - this.#host.ports.clock.now();
    this.#finish();
    this.#context.cancel(leftMs < lateMs ? tooLate() : new StatusError("CANCELLED", "the caller has left"));
  }

  cut(reason: StatusError): void {
    this.#fail(reason);
    this.#context.cancel(reason);
  }

  /** Ends the call with a fault. What is no StatusError is a mistake of this process, and the caller gets only an id. */
  #fail(error: unknown): void {
    if (this.#over) return;
    const told = this.#told(error);
    this.#finish();
    const headers = this.#headers(noMetadata, told.trailers);
    const fault = this.#isFirst ? writeFirstFault(told.code, told.message) : writeFault(told, this.#route?.exceptions);
    this.#exchange.answer(200, headers, fault);
  }

  #told(error: unknown): StatusError {
    if (error instanceof StatusError) return error;
    const { log, ports } = this.#host;
    const method = this.#route?.method ?? ({ path: this.#path } as HessianRoute["method"]);
    return handlerError(error, method, this.#context, { log, ids: ports.ids });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#host.inFlight.remove(this);
    this.#forget();
  }
}

/** Java's proxies may put the number of arguments behind the name, for methods that are overloaded: `place__2`. */
function routeFor(served: ServedPath, name: string, count: number, path: string): ServedRoute {
  const named = served.get(name) ?? served.get(name.replace(/__\d+$/, "")) ?? [];
  const found = named.find(({ route }) => route.count === count);
  if (found) return found;
  const there = named.map(({ route }) => `${route.name} takes ${route.count}`);
  throw new StatusError(
    "UNIMPLEMENTED",
    `there is no method ${name} with ${count} arguments at ${path}${there.length > 0 ? `; ${there.join(", ")}` : ""}`,
  );
}

function tooLate(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed");
}
