import type { OutgoingHttpHeaders } from "node:http";
import {
  type CallContext,
  contextFromHeaders,
  contextHeaderNames,
  decodeTimeout,
  handlerError,
  type InFlight,
  type InFlightCall,
  type Log,
  type Metadata,
  noMetadata,
  type Ports,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { addMetadata, HttpMetadata, trailerPrefix } from "@mortise/kernel/spi/http-metadata";
import { peerOfSocket, withPeer } from "@mortise/kernel/spi/peer";
import type { Exchange } from "./exchange.ts";
import { checkAccept, checkContent } from "./negotiate.ts";
import { problemOf } from "./problem.ts";
import type { RestRoute } from "./route.ts";
import type { Place } from "./router.ts";
import { eventStreamType, writeEvent } from "./server-sent-events.ts";
import { badRequest, readRequest } from "./transcode.ts";

/** What all calls of a listener share. */
export interface ServerHost {
  readonly ports: Ports;
  readonly log: Log;
  readonly inFlight: InFlight;
  readonly maxMessageBytes: number;
}

export const jsonType = "application/json";

/** One request as it is served. */
export class ServerCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  readonly #exchange: Exchange;
  readonly #route: RestRoute;
  readonly #host: ServerHost;
  readonly #context: CallContext;
  #forget: () => void = () => undefined;
  #responses: AsyncIterator<unknown> | undefined = undefined;
  #begun = false;
  #over = false;

  constructor(exchange: Exchange, route: RestRoute, host: ServerHost) {
    const { headers } = exchange.incoming;
    const timeout = headers[contextHeaderNames.timeout];
    const timeoutMs = typeof timeout === "string" ? decodeTimeout(timeout) : undefined;
    this.#exchange = exchange;
    this.#route = route;
    this.#host = host;
    const context = contextFromHeaders(new HttpMetadata(headers), host.ports, timeoutMs);
    this.#context = withPeer(context, peerOfSocket(exchange.incoming.socket));
  }

  begin(place: Place, query: string): void {
    this.#host.inFlight.add(this);
    this.#forget = this.#context.onCancel((reason) => this.cut(reason));
    this.#exchange.onClose(() => this.#gone());
    this.#serve(place, query).catch((error: unknown) => this.#fail(error));
  }

  async #serve({ parameters }: Place, query: string): Promise<void> {
    const { method, invoke, rule, codecs } = this.#route;
    const { incoming } = this.#exchange;
    const streams = method.kind === "server-stream";
    if (this.#context.deadline <= this.#host.ports.clock.now()) throw tooLate();
    checkAccept(incoming.headers.accept, streams ? eventStreamType : jsonType, method.path);
    if (!codecs) throw new StatusError("UNIMPLEMENTED", `${method.path} is not offered with the serializer json`);
    const body = await this.#exchange.body(this.#host.maxMessageBytes);
    if (body.length > 0) {
      if (rule.body === undefined)
        throw badRequest(`${rule.verb} has no body; what is not in the path is in the query`);
      checkContent(incoming.headers["content-type"], incoming.headers["content-encoding"]);
    }
    const request = readRequest({ rule, input: method.input, codec: codecs.input }, { parameters, query, body });
    if (this.#over) return;
    const reply = await invoke({ method, request, context: this.#context });
    if (streams) return this.#stream(reply);
    if (this.#over) return;
    const bytes = this.#encode(reply.response);
    const headers = this.#headers(reply.headers, reply.trailers());
    this.#finish();
    this.#exchange.answer(200, { ...headers, "content-type": jsonType }, bytes);
  }

  /** Headers go with the first event, so that what fails before is an error like any other. */
  async #stream({ response, headers, trailers }: Reply): Promise<void> {
    const responses = (response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (this.#over) return stop(responses);
    this.#responses = responses;
    for (;;) {
      const { done, value } = await responses.next();
      if (this.#over) return;
      const bytes = done ? undefined : this.#encode(value);
      this.#beginStream(headers);
      if (!bytes) break;
      const room = this.#exchange.write(writeEvent(bytes));
      if (room) await room;
      if (this.#over) return;
    }
    this.#finish();
    void this.#exchange.write(writeEvent(JSON.stringify({ trailers: this.#headers(noMetadata, trailers()) }), "end"));
    this.#exchange.end();
  }

  #beginStream(headers: Metadata): void {
    if (this.#begun) return;
    this.#begun = true;
    const type = { "content-type": eventStreamType, "cache-control": "no-store" };
    this.#exchange.begin({ ...this.#headers(headers, noMetadata), ...type });
  }

  /** Headers that HTTP forbids are left out: the reply itself matters more. */
  #headers(headers: Metadata, trailers: Metadata): OutgoingHttpHeaders {
    const sent: OutgoingHttpHeaders = {};
    try {
      if (headers !== noMetadata) addMetadata(sent, headers);
      if (trailers !== noMetadata) addMetadata(sent, trailers, trailerPrefix);
    } catch (error) {
      this.#host.log.error(`${this.#route.method.path}: ${(error as Error).message}`);
    }
    return sent;
  }

  /** Throws RESOURCE_EXHAUSTED for a message that is too long; anything else it throws is the handler's mistake. */
  #encode(response: unknown): Uint8Array {
    const { maxMessageBytes } = this.#host;
    const bytes = this.#encoded(response);
    if (bytes.length <= maxMessageBytes) return bytes;
    const message = `the response of ${this.#route.method.path} has ${bytes.length} bytes; the option maxMessageBytes of protocol/rest allows ${maxMessageBytes}`;
    throw new StatusError("RESOURCE_EXHAUSTED", message);
  }

  #encoded(response: unknown): Uint8Array {
    try {
      return this.#route.codecs?.output.encode(response) ?? new Uint8Array();
    } catch (cause) {
      throw new TypeError(`the response cannot be encoded: ${(cause as Error).message}`, { cause });
    }
  }

  #gone(): void {
    if (this.#over) return;
    const reason = new StatusError("CANCELLED", "the caller has left");
    this.#finish();
    if (this.#responses) stop(this.#responses);
    this.#context.cancel(reason);
  }

  cut(reason: StatusError): void {
    this.#fail(reason);
    this.#context.cancel(reason);
  }

  /** Ends the call with an error. What is no StatusError is a mistake of this process, and the caller gets only an id. */
  #fail(error: unknown): void {
    if (this.#over) return;
    const { log, ports } = this.#host;
    const told = handlerError(error, this.#route.method, this.#context, { log, ids: ports.ids });
    this.#finish();
    if (this.#responses) stop(this.#responses);
    const headers = this.#headers(noMetadata, told.trailers);
    if (!this.#begun) return this.#exchange.problem(told, headers);
    void this.#exchange.write(writeEvent(JSON.stringify({ ...problemOf(told), trailers: headers }), "problem"));
    this.#exchange.end();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#host.inFlight.remove(this);
    this.#forget();
  }
}

function tooLate(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed");
}

/** Lets the handler's generator clean up; what it throws at that has no reader. */
function stop(responses: AsyncIterator<unknown>): void {
  responses.return?.()?.then(undefined, () => undefined);
}
