import { status as codes, type Metadata as GrpcMetadata } from "@grpc/grpc-js";
import {
  type CallContext,
  contextFromHeaders,
  handlerError,
  type InFlightCall,
  type Metadata,
  noMetadata,
  type Reply,
  StatusError,
  statusCodes,
} from "@mortise/kernel";
import { type PeerCertificate, readPeer, withPeer } from "@mortise/kernel/spi/peer";
import { usualSubtype } from "./connection.ts";

import { addMetadata, buffer, lateStatusHeader, receivedMetadata, serializerHeader } from "./metadata.ts";
import { SentHeaders } from "./sent-headers.ts";
import type { Codecs, IncomingCall, ServerHost, ServerRoute } from "./server-route.ts";
import { writeError } from "./status.ts";

/** Shared: nothing is ever put into it. */
const noHeaders = new SentHeaders();

/** grpc-js counts deadlines in whole milliseconds of wall time. */
const roundingMs = 2;

/** Common to calls of all kinds: reads the headers, hears of cancellation, ends exactly once. */
export abstract class ServerCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  protected readonly call: IncomingCall;
  protected readonly route: ServerRoute;
  protected readonly host: ServerHost;
  protected codecs!: Codecs;
  protected context!: CallContext;
  protected over = false;
  /** Whether an error is to come after the messages that were sent, and not in place of them. */
  protected lateStatus = false;

  constructor(call: IncomingCall, route: ServerRoute, host: ServerHost) {
    this.call = call;
    this.route = route;
    this.host = host;
  }

  begin(): void {
    this.call.start(this);
  }

  onReceiveMetadata(headers: GrpcMetadata): void {
    this.route.inFlight.add(this);
    const context = contextFromHeaders(receivedMetadata(headers), this.host.ports, this.#timeoutMs());
    this.context = this.host.mutual ? withPeer(context, this.#peer()) : context;
    const subtype = String(headers.get(serializerHeader)[0] ?? usualSubtype);
    const codecs = this.route.codecs.get(subtype);
    if (!codecs) return this.fail(unknownSerializer(subtype, this.route));
    this.codecs = codecs;
    this.opened(headers);
  }

  /** The headers are read. */
  protected abstract opened(headers: GrpcMetadata): void;
  abstract onReceiveMessage(bytes: Buffer): void;
  abstract onReceiveHalfClose(): void;
  /** The call is over, however it ended. */
  protected abstract ended(reason: StatusError | undefined): void;

  onCancel(): void {
    if (this.over) return;
    const late = this.context.deadline <= this.host.ports.clock.now() + roundingMs;
    const reason = late
      ? new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed")
      : cancelledByCaller();
    this.#finish(reason);
    this.context.cancel(reason);
  }

  cut(reason: StatusError): void {
    this.fail(reason);
    this.context.cancel(reason);
  }

  /** Begins the handler's work. */
  protected async invoke(request: unknown): Promise<Reply> {
    const { method, invoke } = this.route;
    return invoke({ method, request, context: this.context });
  }

  /** Ends the call with an error. What is no StatusError is a mistake of this process, and the caller gets only an id. */
  protected fail(error: unknown): void {
    if (this.over) return;
    const { host, route } = this;
    const told = handlerError(error, route.method, this.context, { log: host.log, ids: host.ports.ids });
    const trailers = new SentHeaders();
    this.#add(trailers, told.trailers);
    const details = writeError(told, route.method.service, trailers);
    this.#finish(told);
    const code = statusCodes[told.code];
    if (this.lateStatus) trailers.put(lateStatusHeader, `${code}`);
    this.call.sendStatus({ code: this.lateStatus ? codes.OK : code, details, metadata: trailers });
  }

  protected succeed(trailers: Metadata): void {
    const sent = trailers === noMetadata ? noHeaders : new SentHeaders();
    if (trailers !== noMetadata) this.#add(sent, trailers);
    this.#finish(undefined);
    this.call.sendStatus({ code: codes.OK, details: "OK", metadata: sent });
  }

  protected sendHeaders(headers: Metadata): void {
    if (headers === noMetadata) return this.call.sendMetadata(noHeaders);
    const sent = new SentHeaders();
    this.#add(sent, headers);
    this.call.sendMetadata(sent);
  }

  protected decode(bytes: Buffer): unknown {
    return this.codecs.input.decode(bytes);
  }

  /** Throws RESOURCE_EXHAUSTED for a message that is too long; anything else it throws is the handler's mistake. */
  protected encode(response: unknown): Buffer {
    const bytes = buffer(this.#encoded(response));
    const { maxMessageBytes } = this.host;
    if (bytes.length <= maxMessageBytes) return bytes;
    throw new StatusError(
      "RESOURCE_EXHAUSTED",
      `the response of ${this.route.method.path} has ${bytes.length} bytes; the option maxMessageBytes of protocol/grpc allows ${maxMessageBytes}`,
    );
  }

  #encoded(response: unknown): Uint8Array {
    try {
      return this.codecs.output.encode(response);
    } catch (cause) {
      throw new TypeError(`the response cannot be encoded: ${(cause as Error).message}`, { cause });
    }
  }

  #finish(reason: StatusError | undefined): void {
    this.over = true;
    this.route.inFlight.remove(this);
    this.ended(reason);
  }

  /** Headers or trailers that HTTP/2 forbids are left out: the reply itself matters more. */
  #add(target: SentHeaders, source: Metadata): void {
    try {
      addMetadata(target, source);
    } catch (error) {
      this.host.log.error(`${this.route.method.path}: ${(error as Error).message}`);
    }
  }

  /** The certificate of the caller, which grpc-js has checked. */
  #peer(): PeerCertificate | undefined {
    const raw = this.call.getAuthContext().sslPeerCertificate?.raw;
    return raw && readPeer(raw);
  }

  #timeoutMs(): number | undefined {
    const deadline = Number(this.call.getDeadline());
    return deadline === Number.POSITIVE_INFINITY ? undefined : deadline - this.host.ports.clock.wall();
  }
}

export function cancelledByCaller(): StatusError {
  return new StatusError("CANCELLED", "the caller has cancelled the call");
}

function unknownSerializer(subtype: string, { method, codecs }: ServerRoute): StatusError {
  const offered = [...codecs.keys()].join(", ");
  return new StatusError(
    "UNIMPLEMENTED",
    `${method.path} is not offered with the serializer "${subtype}" (${offered})`,
  );
}
