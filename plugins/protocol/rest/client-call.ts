import type { OutgoingHttpHeaders } from "node:http";
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import {
  type Call,
  type CallContext,
  type Codec,
  contextHeaderNames,
  type InFlight,
  type InFlightCall,
  type Invoker,
  type Method,
  noMetadata,
  type Pipe,
  type Ports,
  pipe,
  type Reply,
  StatusError,
  timeoutHeader,
} from "@mortise/kernel";
import type { RestRule } from "@mortise/kernel/contract";
import {
  addContext,
  addMetadata,
  HttpMetadata,
  trailerPrefix,
  unhandledHeader,
} from "@mortise/kernel/spi/http-metadata";
import { readProblem } from "./problem.ts";
import { jsonType } from "./server-call.ts";
import { eventReader, eventStreamType, type ServerSentEvent } from "./server-sent-events.ts";
import type { Session } from "./session-pool.ts";
import { type HttpParts, writeRequest } from "./transcode.ts";

/** What all calls of one method over one connection share. */
export interface ClientRoute {
  readonly method: Method;
  readonly rule: RestRule;
  readonly input: Codec<unknown>;
  readonly output: Codec<unknown>;
  readonly address: string;
  readonly session: () => Session;
  readonly inFlight: InFlight;
  readonly ports: Ports;
  readonly maxMessageBytes: number;
}

/** A server knows the deadline too, and is given this long to end the call by itself, in milliseconds. */
const lingerMs = 1000;

/** Makes calls of one method. */
export function restInvoker(route: ClientRoute): Invoker {
  return (call) =>
    new Promise((resolve, reject) => {
      new ClientCall(route, resolve, reject).begin(call);
    });
}

class ClientCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  readonly #route: ClientRoute;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: StatusError) => void;
  readonly #events: ((chunk: Uint8Array) => readonly ServerSentEvent[]) | undefined;
  #inbox: Pipe<unknown> | undefined = undefined;
  #session!: Session;
  #stream!: ClientHttp2Stream;
  #headers: IncomingHttpHeaders = {};
  #trailers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #replied = false;
  #over = false;
  #forget: () => void = () => undefined;

  constructor(route: ClientRoute, resolve: (reply: Reply) => void, reject: (error: StatusError) => void) {
    this.#route = route;
    this.#resolve = resolve;
    this.#reject = reject;
    if (route.method.kind === "server-stream") this.#events = eventReader(route.maxMessageBytes);
  }

  begin({ context, request }: Call): void {
    const { rule, session, inFlight } = this.#route;
    const { path, body } = this.#write(request);
    const headers = this.#requestHeaders(context, body);
    this.#session = session();
    const begin = { ":method": rule.verb, ":path": path, ...headers };
    this.#stream = this.#session.http2.request(begin, { endStream: body === undefined });
    this.#session.begin();
    inFlight.add(this);
    this.#forget = context.onCancel((reason) => this.cut(reason));
    this.#listen(this.#stream);
    if (body) this.#stream.end(body);
  }

  #write(request: unknown): HttpParts {
    const { rule, method, input, maxMessageBytes } = this.#route;
    let parts: HttpParts;
    try {
      parts = writeRequest({ rule, input: method.input, codec: input }, request);
    } catch (error) {
      const { message } = error as Error;
      const { reason, details } = error instanceof StatusError ? error : { reason: undefined, details: {} };
      throw new StatusError("INVALID_ARGUMENT", `the request of ${method.path} cannot be encoded: ${message}`, {
        ...(reason !== undefined && { reason }),
        details,
        neverSent: true,
        cause: error,
      });
    }
    const length = parts.body?.length ?? 0;
    if (length <= maxMessageBytes) return parts;
    throw new StatusError(
      "RESOURCE_EXHAUSTED",
      `the request of ${method.path} has ${length} bytes; the option maxMessageBytes of protocol/rest allows ${maxMessageBytes}`,
      { neverSent: true },
    );
  }

  #requestHeaders(context: CallContext, body: Uint8Array | undefined): OutgoingHttpHeaders {
    const now = this.#route.ports.clock.now();
    if (context.deadline <= now)
      throw new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed", { neverSent: true });
    const headers: OutgoingHttpHeaders = { accept: this.#events ? eventStreamType : jsonType };
    if (body) {
      headers["content-type"] = jsonType;
      headers["content-length"] = body.length;
    }
    if (context.outgoing !== noMetadata) addMetadata(headers, context.outgoing);
    addContext(headers, context);
    const timeout = timeoutHeader(context, now);
    if (timeout !== undefined) headers[contextHeaderNames.timeout] = timeout;
    return headers;
  }

  #listen(stream: ClientHttp2Stream): void {
    let why = "";
    stream.on("error", ({ message }) => {
      why = message;
    });
    stream.on("response", (headers) => {
      this.#headers = headers;
      const early = this.#chunks.splice(0); // Deno gives the first data before the headers
      this.#bytes = 0;
      for (const chunk of early) this.#data(chunk);
    });
    stream.on("data", (chunk: Buffer) => this.#data(chunk));
    stream.on("end", () => this.#ended());
    stream.on("close", () => this.#end(this.#lost(why)));
  }

  #data(chunk: Buffer): void {
    if (this.#over) return;
    try {
      if (this.#events && this.#status === 200) return this.#take(this.#events(chunk));
      this.#bytes += chunk.length;
      this.#chunks.push(chunk);
      const { maxMessageBytes, method } = this.#route;
      if (this.#bytes <= maxMessageBytes + 65_536) return;
      throw new StatusError(
        "RESOURCE_EXHAUSTED",
        `the response of ${method.path} is longer than the ${maxMessageBytes} bytes the option maxMessageBytes of protocol/rest allows`,
      );
    } catch (error) {
      this.cut(error as StatusError);
    }
  }

  get #status(): number {
    return Number(this.#headers[":status"] ?? 0);
  }

  #take(events: readonly ServerSentEvent[]): void {
    for (const { event, data } of events) {
      if (this.#over) return;
      if (event === "end" || event === "problem") return this.#last(event, data);
      const message = this.#decode(Buffer.from(data));
      const inbox = this.#open();
      if (!inbox.write(message)) this.#stream.pause();
    }
  }

  #open(): Pipe<unknown> {
    const { path } = this.#route.method;
    this.#inbox ??= pipe({
      onRoom: () => this.#stream.resume(),
      onLeave: () => this.cut(new StatusError("CANCELLED", `the caller has stopped reading ${path}`)),
    });
    this.#reply(this.#inbox.stream);
    return this.#inbox;
  }

  #last(event: string, data: string): void {
    const told = parsed(data) as { readonly trailers?: IncomingHttpHeaders } | undefined;
    this.#trailers = told?.trailers ?? {};
    if (event === "end") return this.#end(undefined);
    this.#end(readProblem(told, this.#status, this.#readTrailers()));
  }

  /** The whole answer is there. */
  #ended(): void {
    if (this.#over || this.#status === 0) return; // it closes without an answer
    if (this.#events && this.#status === 200) return; // without a last event it was cut
    this.#trailers = this.#headers;
    const body = Buffer.concat(this.#chunks, this.#bytes);
    if (this.#status !== 200) return this.#end(this.#problem(body));
    try {
      this.#reply(this.#decode(body));
      this.#end(undefined);
    } catch (error) {
      this.cut(error as StatusError);
    }
  }

  #problem(body: Buffer): StatusError {
    const error = readProblem(parsed(body.toString()), this.#status, this.#readTrailers());
    return this.#headers[unhandledHeader] === undefined ? error : unavailable(this.#route.address, error.message, true);
  }

  #decode(bytes: Uint8Array): unknown {
    const { output, method } = this.#route;
    try {
      return output.decode(bytes);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new StatusError("INTERNAL", `the response of ${method.path} cannot be read: ${why}`, { cause });
    }
  }

  /** Why there is no answer. What was never connected, or refused by the peer, was never sent. */
  #lost(why: string): StatusError {
    const refused = this.#stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    const reason = why || "it has given up the call";
    return unavailable(this.#route.address, reason, !this.#session.connected || refused);
  }

  #readTrailers() {
    return new HttpMetadata(this.#trailers, trailerPrefix);
  }

  #reply(response: unknown): void {
    if (this.#replied) return;
    this.#replied = true;
    const trailers = () => this.#readTrailers();
    this.#resolve({ response, headers: new HttpMetadata(this.#headers), trailers });
  }

  /** Ends the call from this side and takes it back from the other. */
  cut(reason: StatusError): void {
    if (this.#over) return;
    this.#end(reason);
    const stream = this.#stream;
    const close = () => stream.close(constants.NGHTTP2_CANCEL);
    if (reason.code === "DEADLINE_EXCEEDED") this.#route.ports.timers.after(lingerMs, close);
    else close();
  }

  #end(error: StatusError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#route.inFlight.remove(this);
    this.#session.end();
    this.#forget();
    this.#chunks.length = 0;
    if (error && !this.#replied) this.#reject(error);
    else if (this.#events) {
      const inbox = this.#open();
      if (error) inbox.fail(error);
      else inbox.end();
    }
    this.#stream.resume();
  }
}

function unavailable(address: string, why: string, neverSent: boolean): StatusError {
  return new StatusError("UNAVAILABLE", `${address} cannot be reached: ${why}`, { neverSent });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
