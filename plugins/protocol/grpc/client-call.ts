import {
  type ChannelInterface,
  status as codes,
  type experimental,
  type Metadata as GrpcMetadata,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  type CallContext,
  type Clock,
  type Codec,
  contextHeaderNames,
  eachContextHeader,
  encodeTimeout,
  type InFlight,
  type InFlightCall,
  type Method,
  noMetadata,
  StatusError,
} from "@mortise/kernel";

import { addMetadata, buffer, lateStatusHeader, receivedMetadata, serializerHeader } from "./metadata.ts";
import { SentHeaders } from "./sent-headers.ts";
import { readError } from "./status.ts";

/** A call as the lowest public layer of grpc-js gives it; the layers above it cost a third of the throughput. */
export type GrpcCall = experimental.CallStream;

/** What all calls of one method over one connection share. */
export interface ClientRoute {
  readonly method: Method;
  /** With a leading slash. */
  readonly path: string;
  readonly input: Codec<unknown>;
  readonly output: Codec<unknown>;
  /** What names the serializer to the peer; nothing for protobuf. */
  readonly subtype: string | undefined;
  readonly address: string;
  readonly channel: ChannelInterface;
  /** How grpc-js names the channel's peer while there is no connection. */
  readonly target: string;
  readonly inFlight: InFlight;
  readonly clock: Clock;
  readonly maxMessageBytes: number;
}

/** The bytes of a request. Throws INVALID_ARGUMENT if it does not fit its type, RESOURCE_EXHAUSTED if it is too long. */
export function encodeRequest({ method, input, maxMessageBytes }: ClientRoute, request: unknown): Buffer {
  const bytes = buffer(encode(input, method, request));
  if (bytes.length <= maxMessageBytes) return bytes;
  throw new StatusError(
    "RESOURCE_EXHAUSTED",
    `the request of ${method.path} has ${bytes.length} bytes; the option maxMessageBytes of protocol/grpc allows ${maxMessageBytes}`,
    { neverSent: true },
  );
}

function encode(input: Codec<unknown>, { path }: Method, request: unknown): Uint8Array {
  try {
    return input.encode(request);
  } catch (error) {
    const { message } = error as Error;
    const { reason, details } = error instanceof StatusError ? error : { reason: undefined, details: {} };
    throw new StatusError("INVALID_ARGUMENT", `the request of ${path} cannot be encoded: ${message}`, {
      ...(reason !== undefined && { reason }),
      details,
      neverSent: true,
      cause: error,
    });
  }
}

/** grpc-js takes a longer timeout for one that has passed, because timers of Node count milliseconds in 31 bits. */
const maxTimeoutMs = 2_147_483_647;

/**
 * What is sent ahead of the request. Throws INVALID_ARGUMENT for a header that HTTP/2 forbids, DEADLINE_EXCEEDED when it
 * is too late already.
 */
export function requestHeaders(context: CallContext, { method, subtype, clock }: ClientRoute): SentHeaders {
  const headers = new SentHeaders();
  if (context.outgoing !== noMetadata) addMetadata(headers, context.outgoing);
  eachContextHeader(context, (name, value) => headers.put(name, sendable(name, value)));
  const leftMs = context.deadline - clock.now();
  if (leftMs <= 0)
    throw new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed", { neverSent: true });
  if (leftMs <= maxTimeoutMs) headers.put(contextHeaderNames.timeout, encodeTimeout(leftMs));
  if (subtype !== undefined) headers.put(serializerHeader, subtype);
  if (method.kind === "server-stream" || method.kind === "bidi-stream") headers.put(lateStatusHeader, "0");
  return headers;
}

/** A trace or baggage made by hand may hold anything, and HTTP/2 would give up the connection for it. */
function sendable(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value.trim();
  throw new StatusError("INVALID_ARGUMENT", `${name} of the context holds more than printable ASCII`, {
    neverSent: true,
  });
}

/** Common to calls of all kinds: begins, is cancelled with its context, and tells why it ended. */
export abstract class ClientCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  protected readonly route: ClientRoute;
  protected call!: GrpcCall;
  protected headers: GrpcMetadata | undefined = undefined;
  protected trailers: GrpcMetadata | undefined = undefined;
  /** Why this side ended the call, if it did. */
  #reason: StatusError | undefined = undefined;
  #forget: (() => void) | undefined = undefined;

  constructor(route: ClientRoute) {
    this.route = route;
  }

  protected begin(context: CallContext): void {
    const { route } = this;
    const headers = requestHeaders(context, route);
    this.call = route.channel.createCall(route.path, Number.POSITIVE_INFINITY, null, null, null);
    this.call.start(headers, this);
    route.inFlight.add(this);
    this.#forget = context.onCancel((reason) => this.cut(reason));
  }

  cut(reason: StatusError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.abandon();
  }

  /** Takes the call back from the peer. */
  protected abandon(): void {
    this.call.cancelWithStatus(codes.CANCELLED, "");
  }

  onReceiveMetadata(headers: GrpcMetadata): void {
    this.headers = headers;
  }

  abstract onReceiveMessage(bytes: Buffer): void;

  onReceiveStatus(status: StatusObject): void {
    this.trailers = status.metadata;
    this.route.inFlight.remove(this);
    this.#forget?.();
    if (this.#reason) return this.ended(this.#reason);
    const late = status.metadata.get(lateStatusHeader)[0];
    if (late !== undefined) return this.ended(readError({ ...status, code: Number(late) }, received(status.metadata)));
    this.ended(status.code === codes.OK ? undefined : this.#errorOf(status));
  }

  protected abstract ended(error: StatusError | undefined): void;

  /** The message, or nothing once the call was ended because it could not be read. */
  protected decode(bytes: Buffer): unknown {
    const { output, method } = this.route;
    try {
      return output.decode(bytes);
    } catch (cause) {
      const why = (cause as Error).message;
      this.cut(new StatusError("INTERNAL", `the response of ${method.path} cannot be read: ${why}`, { cause }));
      return undefined;
    }
  }

  #errorOf(status: StatusObject): StatusError {
    const { address, target } = this.route;
    const peer = this.call.getPeer();
    if (peer === target || peer === "unknown") return unavailable(address, status.details.replace(emptyNote, ""), true);
    if (!this.headers && isEmpty(status.metadata)) {
      if (status.details === refused) return unavailable(address, "it is closing and has not taken the call", true);
    }
    if (status.code === codes.CANCELLED && status.details === reset && isEmpty(status.metadata))
      return unavailable(address, "it has given up the call", false);
    return readError(status, received(status.metadata));
  }
}

// What grpc-js says of the calls whose end nobody sent (its subchannel-call.ts). Nothing else tells them apart.
const refused = "Stream refused by server";
const reset = "Call cancelled";
const emptyNote = /\.? Resolution note: *$/;

function unavailable(address: string, why: string, neverSent: boolean): StatusError {
  return new StatusError("UNAVAILABLE", `${address} cannot be reached: ${why}`, { neverSent });
}

function isEmpty(metadata: GrpcMetadata): boolean {
  return Object.keys(metadata.toJSON()).length === 0;
}

/**
 * Bytes that are no message in any serializer. A stream of requests that is given up ends with them, because Node says on
 * the wire that such a stream has come to its end before it says that the call is cancelled, and a handler would take half
 * of the messages for all of them.
 */
export const unreadable = Buffer.of(0xff);

/** Ours for what grpc-js received. */
export function received(metadata: GrpcMetadata | undefined) {
  return metadata ? receivedMetadata(metadata) : noMetadata;
}
