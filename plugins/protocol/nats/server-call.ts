import {
  type CallContext,
  contextFromHeaders,
  handlerError,
  type InFlightCall,
  noMetadata,
  type Reply,
  StatusError,
  statusName,
} from "@mortise/kernel";
import type { Msg, MsgHdrs } from "nats";
import { Inlet, type Mailbox, mailbox, Outlet, tooLong } from "./flow.ts";
import { decodeFrame, malformed, readUint32, uint32 } from "./frame.ts";
import { framedSuffix } from "./inbox.ts";
import { callHeader, receivedMetadata, SentHeaders, serializerHeader, sizeHeader, windowHeader } from "./metadata.ts";
import type { Codecs, ServerHost, ServerRoute } from "./server-route.ts";
import { unavailable, writeError } from "./status.ts";

/** One call as this process serves it. */
export class ServerCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  /** Where the answer goes. */
  readonly replySubject: string;
  readonly #route: ServerRoute;
  readonly #host: ServerHost;
  readonly #headers: MsgHdrs | undefined;
  readonly #key: string;
  readonly #began: number;
  #context!: CallContext;
  #codecs!: Codecs;
  #inlet!: Inlet;
  #outlet!: Outlet;
  #requests: Mailbox | undefined = undefined;
  #responses: AsyncIterator<unknown> | undefined = undefined;
  #forget: () => void = () => undefined;
  #direct = false;
  #over = false;

  constructor(message: Msg, route: ServerRoute, host: ServerHost) {
    this.replySubject = message.reply ?? "";
    this.#headers = message.headers;
    this.#route = route;
    this.#host = host;
    this.#key = keyIn(message.headers);
    this.#began = host.ports.clock.now();
  }

  /** Whether more than one message goes either way. */
  get streams(): boolean {
    return this.#route.method.kind !== "unary";
  }

  /** `direct`: the caller knows this instance, so that it can say more than its request. */
  begin(data: Uint8Array, direct: boolean): void {
    const { link, ports, inFlight } = this.#host;
    this.#direct = direct && this.#key !== "";
    inFlight.add(this);
    try {
      this.#context = contextFromHeaders(receivedMetadata(this.#headers), ports);
    } catch (error) {
      return this.fail(malformed(`the headers cannot be read (${(error as Error).message})`));
    }
    this.#forget = this.#context.onCancel((reason) => this.cut(reason));
    if (this.#over) return;
    const answer = this.replySubject + framedSuffix;
    const publish = (bytes: Uint8Array, headers?: MsgHdrs) =>
      this.#publish(() => link.nats.publish(answer, bytes, headers && { headers }));
    this.#outlet = new Outlet(publish, link.maxPayload, numberIn(this.#headers, windowHeader));
    try {
      this.#open(data);
    } catch (error) {
      this.fail(error);
    }
  }

  #open(data: Uint8Array): void {
    const { method } = this.#route;
    if (this.#context.deadline <= this.#host.ports.clock.now()) throw tooLate();
    this.#codecs = codecsFor(this.#headers?.get(serializerHeader) ?? "", this.#route);
    if (this.#direct) this.#host.calls.set(this.#key, this);
    else if (this.streams) throw notByQueue(method.path);
    const { maxMessageBytes } = this.#host.options;
    const size = numberIn(this.#headers, sizeHeader);
    if (Math.max(size, data.length) > maxMessageBytes) throw tooLong(method.path, maxMessageBytes, "the request");
    const whole = data.length >= size;
    this.#inlet = new Inlet(maxMessageBytes, method.path, whole ? undefined : data);
    if (method.kind === "client-stream" || method.kind === "bidi-stream") return this.#takeStream();
    if (whole) this.#invoke(this.#codecs.input.decode(data));
  }

  #takeStream(): void {
    const { windowBytes } = this.#host.options;
    const grant = (credit: Uint8Array) => this.#over || this.#outlet.send("credit", credit);
    this.#requests = mailbox({ windowBytes, grant, onLeave: () => undefined });
    grant(uint32(windowBytes));
    this.#invoke(this.#requests.stream);
  }

  /** One more step of the caller. */
  receive(data: Uint8Array): void {
    if (this.#over) return;
    try {
      const frame = decodeFrame(data);
      const bytes = this.#inlet.accept(frame);
      if (frame.kind === "cancel") this.#cancel(frame.body[0] ?? 0);
      else if (frame.kind === "credit") this.#outlet.grant(readUint32(frame.body, 0));
      else if (frame.kind === "end") this.#requests?.end();
      else if (bytes) this.#request(bytes);
    } catch (error) {
      this.cut(error as StatusError);
    }
  }

  #request(bytes: Uint8Array): void {
    const request = this.#codecs.input.decode(bytes);
    if (this.#requests) this.#requests.write(request, bytes.length);
    else this.#invoke(request);
  }

  #invoke(request: unknown): void {
    const { method, invoke } = this.#route;
    const going = async () => invoke({ method, request, context: this.#context });
    going()
      .then((reply) => this.#answer(reply))
      .catch((error: unknown) => this.fail(error));
  }

  async #answer(reply: Reply): Promise<void> {
    const { kind } = this.#route.method;
    const { response } = reply;
    if (kind === "server-stream" || kind === "bidi-stream")
      return this.#sendAll(response as AsyncIterable<unknown>, reply);
    if (this.#over) return;
    const bytes = this.#encode(response);
    const sent = this.#sent(reply, true, true);
    const { link } = this.#host;
    const fits = bytes.length + (sent?.bytes ?? 0) + 64 <= link.maxPayload;
    if (!fits && !this.#direct)
      throw tooLong(this.#route.method.path, link.maxPayload, "the response", "max_payload of NATS");
    if (!fits) this.#outlet.message(bytes, sent);
    else this.#publish(() => link.nats.publish(this.replySubject, bytes, sent && { headers: sent.headers }));
    this.#finish(undefined);
  }

  /** Headers go with the first message, as late as they can be set; trailers with the end. */
  async #sendAll(responses: AsyncIterable<unknown>, reply: Reply): Promise<void> {
    const iterator = responses[Symbol.asyncIterator]();
    if (this.#over) return stop(iterator);
    this.#responses = iterator;
    for (let first = true; ; first = false) {
      const { done, value } = await iterator.next();
      if (this.#over) return;
      const sent = this.#sent(reply, first, done === true);
      if (done) {
        this.#outlet.send("end", undefined, sent);
        return this.#finish(undefined);
      }
      const bytes = this.#encode(value);
      await this.#outlet.room();
      if (this.#over) return;
      this.#outlet.message(bytes, sent);
    }
  }

  /** Headers that cannot be sent are left out: the reply itself matters more. */
  #sent(reply: Reply, withHeaders: boolean, withTrailers: boolean): SentHeaders | undefined {
    const headers = withHeaders ? reply.headers : noMetadata;
    const trailers = withTrailers ? reply.trailers() : noMetadata;
    if (headers === noMetadata && trailers === noMetadata) return undefined;
    const sent = new SentHeaders();
    sent.putAll(headers);
    sent.putTrailers(trailers);
    if (sent.bytes < this.#host.link.maxPayload - 1024) return sent;
    this.#host.log.error(`${this.#route.method.path}: ${sent.bytes} bytes of headers are more than NATS takes`);
    return undefined;
  }

  /** Throws RESOURCE_EXHAUSTED for a message that is too long; anything else it throws is the handler's mistake. */
  #encode(response: unknown): Uint8Array {
    const { maxMessageBytes } = this.#host.options;
    const bytes = this.#encoded(response);
    if (bytes.length <= maxMessageBytes) return bytes;
    throw tooLong(this.#route.method.path, maxMessageBytes, `the response (${bytes.length} bytes)`);
  }

  #encoded(response: unknown): Uint8Array {
    try {
      return this.#codecs.output.encode(response);
    } catch (cause) {
      throw new TypeError(`the response cannot be encoded: ${(cause as Error).message}`, { cause });
    }
  }

  #cancel(code: number): void {
    const late = statusName(code) === "DEADLINE_EXCEEDED";
    const reason = late ? tooLate() : new StatusError("CANCELLED", "the caller has cancelled the call");
    this.#finish(reason);
    this.#context.cancel(reason);
  }

  cut(reason: StatusError): void {
    this.fail(reason);
    this.#context.cancel(reason);
  }

  /** The caller is gone: nobody hears how this ends. */
  abandon(): void {
    this.#cancel(1);
  }

  /** Ends the call with an error. What is no StatusError is a mistake of this process, and the caller gets only an id. */
  fail(error: unknown): void {
    if (this.#over) return;
    const { link, log, ports } = this.#host;
    const told = handlerError(error, this.#route.method, this.#context, { log, ids: ports.ids });
    this.#finish(told);
    const { headers, body } = writeError(told, link.maxPayload);
    this.#publish(() => link.nats.publish(this.replySubject, body, { headers: headers.headers }));
  }

  /** What cannot be published has nobody to be told to but the log. */
  #publish(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#host.log.warn(`an answer of ${this.#route.method.path} cannot be sent`, { error });
    }
  }

  #finish(reason: StatusError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const { inFlight, calls, ports } = this.#host;
    inFlight.remove(this);
    if (calls.get(this.#key) === this) calls.delete(this.#key);
    this.#forget();
    this.#outlet?.release();
    this.#requests?.fail(reason ?? new StatusError("CANCELLED", `${this.#route.method.path} has answered already`));
    if (reason && this.#responses) stop(this.#responses);
    const { statistics } = this.#route;
    statistics.requests++;
    statistics.processingMs += ports.clock.now() - this.#began;
    if (!reason) return;
    statistics.errors++;
    statistics.lastError = `${reason.code}: ${reason.message}`;
  }
}

/** What names a call of a Mortise client everywhere: the client and a number. Nothing for calls of others. */
function keyIn(headers: MsgHdrs | undefined): string {
  const key = headers?.get(callHeader) ?? "";
  return /^[0-9a-f]{1,64}\.\d{1,16}$/.test(key) ? key : "";
}

function codecsFor(given: string, { method, codecs }: ServerRoute): Codecs {
  const found = codecs.get(given === "" ? "json" : given);
  if (found) return found;
  const offered = [...codecs.keys()].join(", ");
  const asked = given === "" ? `json, which counts where the header ${serializerHeader} is missing` : `"${given}"`;
  throw new StatusError(
    "UNIMPLEMENTED",
    `${method.path} is not offered with the serializer ${asked}; it is with ${offered}`,
  );
}

function notByQueue(path: string): StatusError {
  const message = `${path} streams, which only clients that call an instance by its address can follow`;
  return new StatusError("UNIMPLEMENTED", message);
}

function numberIn(headers: MsgHdrs | undefined, name: string): number {
  const value = headers?.get(name) ?? "";
  return /^\d{1,10}$/.test(value) ? Number(value) : 0;
}

function tooLate(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed");
}

/** Lets the handler's generator clean up; what it throws at that has no reader. */
function stop(responses: AsyncIterator<unknown>): void {
  responses.return?.()?.then(undefined, () => undefined);
}

/** Why calls end when the connection to NATS does. */
export const linkLost = () => unavailable("the connection to NATS was lost during the call");
