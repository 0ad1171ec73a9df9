import { type Agent, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { request as secureRequest } from "node:https";
import {
  type Call,
  type CallContext,
  contextHeaderNames,
  type ErrorCode,
  type InFlight,
  type InFlightCall,
  type Invoker,
  noMetadata,
  type Ports,
  type Reply,
  StatusError,
  timeoutHeader,
} from "@mortise/kernel";
import {
  addContext,
  addMetadata,
  HttpMetadata,
  trailerPrefix,
  unhandledHeader,
} from "@mortise/kernel/spi/http-metadata";
import { isReply, readReply, writeCall } from "./envelope.ts";
import { contentType } from "./exchange.ts";
import type { HessianRoute } from "./route.ts";

/** What all calls of one method over one connection share. */
export interface ClientSetup {
  readonly route: HessianRoute;
  readonly address: string;
  readonly agent: Agent;
  /** Whether the agent makes connections with TLS. */
  readonly secured: boolean;
  readonly inFlight: InFlight;
  readonly ports: Ports;
  readonly maxMessageBytes: number;
  readonly connectTimeoutMs: number;
}

const maxHeaderSize = 65_536;

/** Makes calls of one method. */
export function hessianInvoker(setup: ClientSetup): Invoker {
  return (call) =>
    new Promise((resolve, reject) => {
      new ClientCall(setup, resolve, reject).begin(call);
    });
}

class ClientCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  readonly #setup: ClientSetup;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: StatusError) => void;
  #request!: ClientRequest;
  #connected = false;
  #over = false;
  #forget: () => void = () => undefined;
  #stopWaiting: () => void = () => undefined;

  constructor(setup: ClientSetup, resolve: (reply: Reply) => void, reject: (error: StatusError) => void) {
    this.#setup = setup;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin({ context, request: message }: Call): void {
    const { route, address, agent, secured, inFlight } = this.#setup;
    const body = this.#write(message);
    const headers = this.#headers(context, body);
    const { hostname, port } = new URL(`http://${address}`);
    const host = hostname.replace(/^\[|\]$/g, "");
    this.#request = (secured ? secureRequest : request)({
      host,
      port: port || 80,
      path: route.path,
      method: "POST",
      agent,
      headers,
      maxHeaderSize,
    });
    inFlight.add(this);
    this.#forget = context.onCancel((reason) => this.cut(reason));
    this.#listen(this.#request);
    this.#request.end(body);
  }

  #write(message: unknown): Buffer {
    const { route, maxMessageBytes } = this.#setup;
    let body: Buffer;
    try {
      body = writeCall(route.name, route.count, route.writeArguments(message));
    } catch (error) {
      const why = (error as Error).message;
      throw new StatusError("INVALID_ARGUMENT", `the request of ${route.method.path} cannot be encoded: ${why}`, {
        neverSent: true,
        cause: error,
      });
    }
    if (body.length <= maxMessageBytes) return body;
    throw new StatusError(
      "RESOURCE_EXHAUSTED",
      `the request of ${route.method.path} has ${body.length} bytes; the option maxMessageBytes of protocol/hessian allows ${maxMessageBytes}`,
      { neverSent: true },
    );
  }

  #headers(context: CallContext, body: Buffer): OutgoingHttpHeaders {
    const now = this.#setup.ports.clock.now();
    if (context.deadline <= now)
      throw new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed", { neverSent: true });
    const headers: OutgoingHttpHeaders = { "content-type": contentType, "content-length": body.length };
    if (context.outgoing !== noMetadata) addMetadata(headers, context.outgoing);
    addContext(headers, context);
    const timeout = timeoutHeader(context, now);
    if (timeout !== undefined) headers[contextHeaderNames.timeout] = timeout;
    return headers;
  }

  #listen(sent: ClientRequest): void {
    sent.on("error", ({ message }) => this.#end(this.#unavailable(message, !this.#connected)));
    sent.on("close", () => this.#end(this.#unavailable("it has given up the call", !this.#connected)));
    sent.on("response", (response) => this.#receive(response));
    sent.on("socket", (socket) => {
      if (!socket.connecting) {
        this.#connected = true;
        return;
      }
      const { connectTimeoutMs, ports, secured } = this.#setup;
      const late = ports.timers.after(connectTimeoutMs, () =>
        sent.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
      );
      this.#stopWaiting = () => late.cancel();
      socket.once(secured ? "secureConnect" : "connect", () => {
        this.#connected = true;
        late.cancel();
      });
    });
  }

  #receive(response: IncomingMessage): void {
    const { maxMessageBytes, route } = this.#setup;
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("error", ({ message }) => this.#end(this.#unavailable(message, false)));
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= maxMessageBytes) return;
      const message = `the response of ${route.method.path} is longer than the ${maxMessageBytes} bytes the option maxMessageBytes of protocol/hessian allows`;
      this.cut(new StatusError("RESOURCE_EXHAUSTED", message));
    });
    response.on("end", () => this.#whole(response, Buffer.concat(chunks, bytes)));
  }

  #whole(response: IncomingMessage, body: Buffer): void {
    const { statusCode = 0, headers } = response;
    try {
      if (headers[unhandledHeader] !== undefined) throw this.#unavailable("it is shutting down", true);
      if (!isReply(body) && statusCode !== 200) throw this.#refused(statusCode);
      const trailers = new HttpMetadata(headers, trailerPrefix);
      const result = this.#read(body, trailers);
      if (!this.#over)
        this.#resolve({ response: result, headers: new HttpMetadata(headers), trailers: () => trailers });
      this.#end(undefined);
    } catch (error) {
      this.#end(error as StatusError);
    }
  }

  #read(body: Buffer, trailers: HttpMetadata): unknown {
    const { route } = this.#setup;
    const start = readReply(body, route.exceptions, trailers);
    try {
      return route.readResult(body, start);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new StatusError("INTERNAL", `the response of ${route.method.path} cannot be read: ${why}`, { cause });
    }
  }

  /** Ends the call from this side; closing the request takes it back from the other. */
  cut(reason: StatusError): void {
    if (this.#over) return;
    this.#end(reason);
    this.#request.destroy();
  }

  #unavailable(why: string, neverSent: boolean): StatusError {
    return new StatusError("UNAVAILABLE", `${this.#setup.address} cannot be reached: ${why}`, { neverSent });
  }

  /** What something that speaks no Hessian says, a proxy perhaps. */
  #refused(status: number): StatusError {
    const { address, route } = this.#setup;
    return new StatusError(codes[status] ?? "UNKNOWN", `${address}${route.path} answered with the status ${status}`);
  }

  #end(error: StatusError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#setup.inFlight.remove(this);
    this.#forget();
    this.#stopWaiting();
    if (error) this.#reject(error);
  }
}

/** gRPC, "HTTP to gRPC Status Code Mapping". */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  405: "UNIMPLEMENTED",
  413: "RESOURCE_EXHAUSTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};
