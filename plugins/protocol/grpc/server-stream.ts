import type { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { type Pipe, pipe, type Reply, StatusError } from "@mortise/kernel";
import { unreadable } from "./client-call.ts";
import { lateStatusHeader } from "./metadata.ts";
import { cancelledByCaller, ServerCall } from "./server-call.ts";
import { notOne } from "./server-unary.ts";

/** What may be handed to the connection and not yet written before the handler's stream has to wait. */
const maxUnwritten = 16;
const maxUnwrittenBytes = 65_536;

/** A stream of requests, of responses, or both. */
export class StreamServerCall extends ServerCall {
  #bytes: Buffer | undefined = undefined;
  /** Where the caller streams. */
  #inbox: Pipe<unknown> | undefined = undefined;
  #responses: AsyncIterator<unknown> | undefined = undefined;
  #takesLateStatus = false;
  #unwritten = 0;
  #unwrittenBytes = 0;
  #room: (() => void) | undefined = undefined;

  protected override opened(headers: GrpcMetadata): void {
    this.#takesLateStatus = headers.get(lateStatusHeader).length > 0;
    this.call.startRead();
    if (this.route.method.kind === "server-stream") return;
    this.#inbox = pipe({ onRoom: () => this.call.startRead() });
    this.#invoke(this.#inbox.stream);
  }

  override onReceiveMessage(bytes: Buffer): void {
    if (this.over) return;
    if (this.#inbox) return this.#receive(this.#inbox, bytes);
    if (this.#bytes) return this.fail(notOne(this.route.method.path, "more than one request"));
    this.#bytes = bytes;
    this.call.startRead();
  }

  /**
   * Node ends a stream that the caller has reset as if the caller had come to its end, and says only then that it was
   * reset. Waiting a turn keeps a handler from taking half of the messages for all of them.
   */
  override onReceiveHalfClose(): void {
    if (this.over) return;
    if (this.#inbox) return void setImmediate(() => this.#inbox?.end());
    if (!this.#bytes) return this.fail(notOne(this.route.method.path, "no request"));
    try {
      this.#invoke(this.decode(this.#bytes));
    } catch (error) {
      this.fail(error);
    }
  }

  /** A message that cannot be read ends the call for the handler too. */
  #receive(inbox: Pipe<unknown>, bytes: Buffer): void {
    if (bytes.equals(unreadable)) return this.cut(cancelledByCaller());
    try {
      if (inbox.write(this.decode(bytes))) this.call.startRead();
    } catch (error) {
      this.cut(error as StatusError);
    }
  }

  #invoke(request: unknown): void {
    this.invoke(request)
      .then((reply) => this.#answer(reply))
      .catch((error: unknown) => this.fail(error));
  }

  async #answer(reply: Reply): Promise<void> {
    const { response } = reply;
    if (this.over) return stop((response as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator]?.());
    if (this.route.method.kind === "client-stream") {
      const bytes = this.encode(response);
      this.sendHeaders(reply.headers);
      this.call.sendMessage(bytes, () => undefined);
      return this.succeed(reply.trailers());
    }
    this.#responses = (response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    await this.#sendAll(this.#responses, reply);
    if (!this.over) this.succeed(reply.trailers());
  }

  /** The headers are read as late as they are sent, so that the handler can set them before its first message. */
  async #sendAll(responses: AsyncIterator<unknown>, reply: Reply): Promise<void> {
    for (let first = true; ; first = false) {
      const { done, value } = await responses.next();
      if (this.over) return;
      const bytes = done ? undefined : this.encode(value);
      if (first) this.sendHeaders(reply.headers);
      if (!bytes) return;
      this.#send(bytes);
      if (this.#full) await this.#space();
      if (this.over) return;
    }
  }

  get #full(): boolean {
    return this.#unwritten >= maxUnwritten || this.#unwrittenBytes >= maxUnwrittenBytes;
  }

  #send(bytes: Buffer): void {
    this.lateStatus = this.#takesLateStatus;
    this.#unwritten++;
    this.#unwrittenBytes += bytes.length;
    this.call.sendMessage(bytes, () => {
      this.#unwritten--;
      this.#unwrittenBytes -= bytes.length;
      if (!this.#full) this.#room?.();
    });
  }

  #space(): Promise<void> {
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  }

  protected override ended(reason: StatusError | undefined): void {
    this.#bytes = undefined;
    this.#inbox?.fail(reason ?? new StatusError("CANCELLED", `${this.route.method.path} has answered already`));
    this.#room?.();
    if (reason) stop(this.#responses);
  }
}

/** Lets the handler's generator clean up; what it throws at that has no reader. */
function stop(responses: AsyncIterator<unknown> | undefined): void {
  responses?.return?.().catch(() => undefined);
}
