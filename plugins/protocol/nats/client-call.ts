import {
  type Call,
  type CallContext,
  type Codec,
  type InFlight,
  type InFlightCall,
  type Invoker,
  type Metadata,
  type Method,
  noMetadata,
  type Ports,
  type Reply,
  StatusError,
  statusCodes,
} from "@mortise/kernel";
import type { Msg } from "nats";
import { Inlet, type Mailbox, mailbox, Outlet, tooLong } from "./flow.ts";
import { decodeFrame, type Frame, readUint32 } from "./frame.ts";
import { type Inbox, isNobody, type Slot } from "./inbox.ts";
import type { NatsLink } from "./link.ts";
import {
  callHeader,
  receivedMetadata,
  receivedTrailers,
  requestHeaders,
  sizeHeader,
  windowHeader,
} from "./metadata.ts";
import type { NatsOptions } from "./options.ts";
import { readError, unavailable } from "./status.ts";
import { followSubject } from "./subjects.ts";

/** What all calls of one method over one connection share. */
export interface ClientRoute {
  readonly method: Method;
  readonly subject: string;
  readonly address: string;
  readonly input: Codec<unknown>;
  readonly output: Codec<unknown>;
  readonly subtype: string;
  readonly link: NatsLink;
  readonly inbox: Inbox;
  readonly inFlight: InFlight;
  readonly ports: Ports;
  readonly options: Pick<NatsOptions, "maxMessageBytes" | "windowBytes">;
}

/** Makes calls of one method. */
export function natsInvoker(route: ClientRoute): Invoker {
  return (call) =>
    new Promise((resolve, reject) => {
      new ClientCall(route, resolve, reject).begin(call);
    });
}

const nothing = new Uint8Array();

class ClientCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  readonly #route: ClientRoute;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: StatusError) => void;
  readonly #inlet: Inlet;
  #slot!: Slot;
  #outlet!: Outlet;
  #mailbox: Mailbox | undefined = undefined;
  #requests: AsyncIterator<unknown> | undefined = undefined;
  #pumping = false;
  #replied = false;
  #over = false;
  #headers: Metadata = noMetadata;
  #trailers: Metadata = noMetadata;
  #forget: () => void = () => undefined;

  constructor(route: ClientRoute, resolve: (reply: Reply) => void, reject: (error: StatusError) => void) {
    this.#route = route;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#inlet = new Inlet(route.options.maxMessageBytes, route.method.path);
  }

  begin({ context, request }: Call): void {
    const { method, link, inbox, address, inFlight, ports } = this.#route;
    if (context.deadline <= ports.clock.now()) throw tooLate();
    const streams = method.kind === "client-stream" || method.kind === "bidi-stream";
    const bytes = streams ? nothing : this.#encode(request);
    const sent = this.#requestHeaders(context);
    if (streams) this.#requests = (request as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    this.#slot = inbox.add(this);
    sent.put(callHeader, this.#slot.key);
    const follow = followSubject(address, this.#slot.key);
    this.#outlet = new Outlet((frame) => link.nats.publish(follow, frame), link.maxPayload, 0);
    inFlight.add(this);
    this.#forget = context.onCancel((reason) => this.cut(reason));
    this.#publish(bytes, sent);
  }

  /** The request itself is as plain as NATS has it; only what does not fit into one message follows in pieces. */
  #publish(bytes: Uint8Array, sent: ReturnType<typeof requestHeaders>): void {
    const { link, subject } = this.#route;
    const room = link.maxPayload - sent.bytes - 64;
    if (bytes.length > room) sent.put(sizeHeader, `${bytes.length}`);
    try {
      const first = bytes.length > room ? bytes.subarray(0, room) : bytes;
      link.nats.publish(subject, first, { reply: this.#slot.subject, headers: sent.headers });
      if (bytes.length > room) this.#outlet.message(bytes, undefined, room);
    } catch (cause) {
      this.#end(unavailable(`${this.#route.address} cannot be reached: ${(cause as Error).message}`, true));
    }
  }

  #requestHeaders(context: CallContext): ReturnType<typeof requestHeaders> {
    const { method, subtype, ports, link, options } = this.#route;
    const sent = requestHeaders(context, subtype, ports.clock.now());
    if (method.kind === "server-stream" || method.kind === "bidi-stream") {
      sent.put(windowHeader, `${options.windowBytes}`);
      const onLeave = () => this.cut(new StatusError("CANCELLED", `the caller has stopped reading ${method.path}`));
      this.#mailbox = mailbox({
        windowBytes: options.windowBytes,
        onLeave,
        grant: (credit) => this.#over || this.#outlet.send("credit", credit),
      });
    }
    if (sent.bytes < link.maxPayload - 1024) return sent;
    const message = `the headers of a call of ${method.path} have ${sent.bytes} bytes, more than the NATS server takes (max_payload ${link.maxPayload})`;
    throw new StatusError("RESOURCE_EXHAUSTED", message, { neverSent: true });
  }

  #encode(request: unknown): Uint8Array {
    const { input, method, options } = this.#route;
    let bytes: Uint8Array;
    try {
      bytes = input.encode(request);
    } catch (error) {
      const { message } = error as Error;
      const { reason, details } = error instanceof StatusError ? error : { reason: undefined, details: {} };
      throw new StatusError("INVALID_ARGUMENT", `the request of ${method.path} cannot be encoded: ${message}`, {
        ...(reason !== undefined && { reason }),
        details,
        neverSent: this.#requests === undefined,
        cause: error,
      });
    }
    if (bytes.length <= options.maxMessageBytes) return bytes;
    const { code, message } = tooLong(method.path, options.maxMessageBytes, `the request (${bytes.length} bytes)`);
    throw new StatusError(code, message, { neverSent: this.#requests === undefined });
  }

  receive(message: Msg, framed: boolean): void {
    try {
      if (framed) this.#step(decodeFrame(message.data), message);
      else this.#answer(message);
    } catch (error) {
      this.cut(error instanceof StatusError ? error : this.#unreadable(error));
    }
  }

  /** A plain answer: the response, an error, or the word of the server that nobody listens there. */
  #answer(message: Msg): void {
    const { address, method } = this.#route;
    if (isNobody(message))
      return this.#end(unavailable(`${address} cannot be reached: nobody listens there`, !this.#pumping));
    this.#trailers = receivedTrailers(message.headers);
    const error = readError(message.headers, message.data, this.#trailers);
    if (error) return this.#end(error);
    this.#headers = receivedMetadata(message.headers);
    if (this.#mailbox) throw new StatusError("INTERNAL", `${method.path} answered a stream with a single message`);
    this.#respond(message.data);
  }

  #step(frame: Frame, message: Msg): void {
    const bytes = this.#inlet.accept(frame);
    if (frame.kind === "credit") return this.#credit(readUint32(frame.body, 0));
    if (frame.kind === "message" || frame.kind === "end") this.#readHeaders(message);
    if (frame.kind === "end") return this.#end(undefined);
    if (!bytes) return;
    if (!this.#mailbox) return this.#respond(bytes);
    const value = this.#decode(bytes);
    this.#reply(this.#mailbox.stream);
    this.#mailbox.write(value, bytes.length);
  }

  #readHeaders({ headers }: Msg): void {
    if (!headers) return;
    if (!this.#replied) this.#headers = receivedMetadata(headers);
    this.#trailers = receivedTrailers(headers);
  }

  /** The first credit is also the word that the call has reached its handler. */
  #credit(bytes: number): void {
    this.#outlet.grant(bytes);
    if (this.#pumping || !this.#requests) return;
    this.#pumping = true;
    this.#pump(this.#requests).catch((error: unknown) => this.cut(requestError(error, this.#route)));
  }

  async #pump(requests: AsyncIterator<unknown>): Promise<void> {
    for (;;) {
      const { done, value } = await requests.next();
      if (this.#over) return;
      if (done) return this.#outlet.send("end");
      const bytes = this.#encode(value);
      await this.#outlet.room();
      if (this.#over) return;
      this.#outlet.message(bytes);
    }
  }

  #respond(bytes: Uint8Array): void {
    const response = this.#decode(bytes);
    this.#reply(response);
    this.#end(undefined);
  }

  #decode(bytes: Uint8Array): unknown {
    try {
      return this.#route.output.decode(bytes);
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  #unreadable(cause: unknown): StatusError {
    const { path } = this.#route.method;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new StatusError("INTERNAL", `the response of ${path} cannot be read: ${why}`, { cause });
  }

  #reply(response: unknown): void {
    if (this.#replied) return;
    this.#replied = true;
    this.#resolve({ response, headers: this.#headers, trailers: () => this.#trailers });
  }

  /** Ends the call from this side and takes it back from the other. */
  cut(reason: StatusError): void {
    if (this.#over) return;
    try {
      this.#outlet.send("cancel", Uint8Array.of(statusCodes[reason.code]));
    } catch {
      // the connection is gone, and with it the call
    }
    this.#end(reason);
  }

  #end(error: StatusError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#slot.remove();
    this.#route.inFlight.remove(this);
    this.#forget();
    this.#outlet.release();
    this.#requests?.return?.().catch(() => undefined);
    if (!this.#mailbox) {
      if (error) return this.#reject(error);
      if (!this.#replied) this.#reject(new StatusError("INTERNAL", `${this.#route.method.path} sent no response`));
    } else if (error) {
      if (!this.#replied) return this.#reject(error);
      this.#mailbox.fail(error);
    } else {
      this.#reply(this.#mailbox.stream);
      this.#mailbox.end();
    }
  }
}

function tooLate(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed", { neverSent: true });
}

function requestError(error: unknown, { method }: ClientRoute): StatusError {
  if (error instanceof StatusError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new StatusError("CANCELLED", `the stream of requests of ${method.path} has failed: ${why}`, { cause: error });
}
