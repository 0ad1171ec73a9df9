import type { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { type Call, type Invoker, type Pipe, pipe, type Reply, StatusError } from "@mortise/kernel";
import { ClientCall, type ClientRoute, encodeRequest, received, unreadable } from "./client-call.ts";
import { nothingSent } from "./client-unary.ts";

/** Sends or receives a stream, or both. The reply is there with the headers of the response: at its first message. */
export function streamInvoker(route: ClientRoute): Invoker {
  const { kind } = route.method;
  return (call) =>
    new Promise((resolve, reject) => {
      const stream = new StreamCall(route, resolve, reject);
      if (kind === "server-stream") stream.sendOne(call);
      else stream.sendAll(call);
    });
}

class StreamCall extends ClientCall {
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: StatusError) => void;
  /** Where the server streams. A message is asked for only while few wait for the reader, which slows the server down. */
  readonly #inbox: Pipe<unknown> | undefined;
  #response: unknown = undefined;
  #requests: AsyncIterator<unknown> | undefined = undefined;
  /** Whether a request was taken from the caller's stream, which cannot be put back. */
  #pulled = false;
  /** Whether the caller's stream has neither ended nor been given up. */
  #sending = false;
  #over = false;
  #written: (() => void) | undefined = undefined;

  constructor(route: ClientRoute, resolve: (reply: Reply) => void, reject: (error: StatusError) => void) {
    super(route);
    this.#resolve = resolve;
    this.#reject = reject;
    if (route.method.kind !== "client-stream") {
      this.#inbox = pipe({
        onRoom: () => this.call.startRead(),
        onLeave: () => this.cut(new StatusError("CANCELLED", `the caller has stopped reading ${route.method.path}`)),
      });
    }
  }

  sendOne({ context, request }: Call): void {
    const bytes = encodeRequest(this.route, request);
    this.#open(context);
    this.call.sendMessageWithContext({}, bytes);
    this.call.halfClose();
  }

  sendAll({ context, request }: Call): void {
    this.#requests = (request as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    this.#sending = true;
    this.#open(context);
    this.#pump(this.#requests).catch((error: unknown) => this.cut(requestError(error, this.route)));
  }

  #open(context: Call["context"]): void {
    this.begin(context);
    this.call.startRead();
  }

  async #pump(requests: AsyncIterator<unknown>): Promise<void> {
    for (;;) {
      this.#pulled = true;
      const { done, value } = await requests.next();
      if (!this.#sending) return;
      if (done) break;
      await this.#write(encodeRequest(this.route, value));
      if (!this.#sending) return;
    }
    this.#sending = false;
    this.call.halfClose();
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#written = () => {
        this.#written = undefined;
        resolve();
      };
      this.call.sendMessageWithContext({ callback: () => this.#written?.() }, bytes);
    });
  }

  protected override abandon(): void {
    if (!this.#sending) return super.abandon();
    this.#sending = false;
    void this.#spoil().then(() => super.abandon());
  }

  /** A message that is not written a turn later waits for the peer to read, and then nothing behind it can get there. */
  async #spoil(): Promise<void> {
    if (this.#written) await turn();
    if (this.#written || this.#over) return;
    this.call.sendMessageWithContext({}, unreadable);
    await turn();
  }

  override onReceiveMetadata(headers: GrpcMetadata): void {
    super.onReceiveMetadata(headers);
    if (this.#inbox) this.#reply(this.#inbox.stream);
  }

  override onReceiveMessage(bytes: Buffer): void {
    const message = this.decode(bytes);
    if (message === undefined) return;
    if (!this.#inbox) this.#response = message;
    else if (this.#inbox.write(message)) this.call.startRead();
  }

  protected override ended(error: StatusError | undefined): void {
    this.#over = true;
    this.#sending = false;
    this.#written?.();
    stopReading(this.#requests);
    const told = error && this.#pulled ? withoutNeverSent(error) : error;
    if (this.#inbox) {
      if (told && !this.headers) return this.#reject(told);
      this.#reply(this.#inbox.stream);
      return told ? this.#inbox.fail(told) : this.#inbox.end();
    }
    if (told) return this.#reject(told);
    if (this.#response === undefined) return this.#reject(nothingSent(this.route));
    this.#reply(this.#response);
  }

  #reply(response: unknown): void {
    this.#resolve({ response, headers: received(this.headers), trailers: () => received(this.trailers) });
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets the caller's generator clean up; what it throws at that has no reader. */
function stopReading(requests: AsyncIterator<unknown> | undefined): void {
  requests?.return?.().catch(() => undefined);
}

function requestError(error: unknown, { method }: ClientRoute): StatusError {
  if (error instanceof StatusError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new StatusError("CANCELLED", `the stream of requests of ${method.path} has failed: ${why}`, { cause: error });
}

function withoutNeverSent(error: StatusError): StatusError {
  if (!error.neverSent) return error;
  const { code, message, reason, details, retryable, trailers, cause } = error;
  return new StatusError(code, message, { ...(reason && { reason }), details, retryable, trailers, cause });
}
