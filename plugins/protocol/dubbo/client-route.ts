import { Buffer } from "node:buffer";
import {
  type Call,
  type Clock,
  type Method,
  noMetadata,
  type Reply,
  type Serializer,
  StatusError,
  statusFromData,
} from "@mortise/kernel";
import type { ByteSink } from "@mortise/kernel/contract";
import { type HessianValues, hessianValuesOf } from "@mortise/kernel/hessian";
import { requestAttachments } from "./attachments.ts";
import { frameStatus } from "./frame.ts";
import { type DubboReply, readMessage, readReply, requestPrefix, writeRequest } from "./hessian-body.ts";
import { javaMethod } from "./java-method.ts";
import { type LeanName, maxNumbers, readReplyHead, writeRequestHead } from "./lean.ts";
import type { ServiceOptions } from "./options.ts";
import { hessianSerial, leanSerial, namedSerial } from "./serials.ts";
import { errorOfStatus } from "./status.ts";

/** How the calls of one method are written and their answers read. */
export interface ClientRoute {
  readonly method: Method;
  /** The id of the serialization. */
  readonly serial: number;
  readonly oneway: boolean;
  /** What the method is numbered; the same for all connections of a process. */
  readonly number: number;
  /** Writes the body of a request. `tell` says that the peer does not know the number yet. */
  write(sink: ByteSink, call: Call, leftMs: number, tell: boolean): void;
  /** Reads the body of a response. Throws the error it carries, or INTERNAL for what is none. */
  read(bytes: Buffer, start: number, end: number, status: number): Reply;
  /** What a call is answered with whose method answers nothing. */
  nothing(): Reply;
}

/** What routes need to know of their plugin. */
export interface RouteSetup {
  readonly services: Readonly<Record<string, Partial<ServiceOptions>>>;
  /** Numbers methods by path. */
  readonly numberOf: (path: string) => number;
  readonly clock: Clock;
}

/** Makes the numbers that paths are told by; the same path has the same number. */
export function numbering(): (path: string) => number {
  const numbers = new Map<string, number>();
  return (path) => {
    const number = numbers.get(path) ?? numbers.size;
    if (number < maxNumbers) numbers.set(path, number);
    return number;
  };
}

export function clientRoute(method: Method, serializer: Serializer, setup: RouteSetup): ClientRoute {
  const values = serializer.subtype === "hessian2" ? hessianValuesOf(serializer) : undefined;
  return values ? hessianRoute(method, values, setup) : leanRoute(method, serializer, setup);
}

const noTrailers = () => noMetadata;

function leanRoute(method: Method, serializer: Serializer, { services, numberOf }: RouteSetup): ClientRoute {
  const input = serializer.codec(method.input);
  const output = serializer.codec(method.output);
  const serial = leanSerial(serializer.subtype);
  const name: LeanName = {
    number: numberOf(method.path),
    path: Buffer.from(method.path, "utf8"),
    serializer: serial === namedSerial ? Buffer.from(serializer.subtype, "utf8") : undefined,
  };
  return {
    method,
    serial,
    number: name.number,
    oneway: onewayOf(method, services[method.service]),
    write(sink, { request, context }, leftMs, tell) {
      writeRequestHead(sink, name, tell, context, leftMs);
      input.encodeInto(request, sink);
    },
    read(bytes, start, end, status) {
      if (status !== frameStatus.ok) throw leanError(bytes, start, end, status);
      try {
        const { headers, trailers, message } = readReplyHead(bytes, start, end);
        const response = output.decode(bytes, message, end);
        return { response, headers, trailers: trailers === noMetadata ? noTrailers : () => trailers };
      } catch (error) {
        throw unreadable(method, error);
      }
    },
    nothing: () => ({ response: output.decode(new Uint8Array()), headers: noMetadata, trailers: noTrailers }),
  };
}

function onewayOf({ name }: Method, options: Partial<ServiceOptions> = {}): boolean {
  return options.methods?.[name]?.oneway ?? options.oneway ?? false;
}

function unreadable({ path }: Method, cause: unknown): StatusError {
  return new StatusError("INTERNAL", `the response of ${path} cannot be read: ${(cause as Error).message}`, { cause });
}

function leanError(bytes: Buffer, start: number, end: number, status: number): StatusError {
  try {
    const { trailers, message } = readReplyHead(bytes, start, end);
    const error = statusFromData(JSON.parse(bytes.toString("utf8", message, end)), trailers);
    return status === frameStatus.channelInactive ? refused(error) : error;
  } catch {
    return errorOfStatus(status, `the peer answered with status ${status}`);
  }
}

/** The peer says that no handler has seen the request. */
function refused({ code, message }: StatusError): StatusError {
  return new StatusError(code, message, { neverSent: true });
}

function hessianRoute(method: Method, values: HessianValues, { services }: RouteSetup): ClientRoute {
  const java = javaMethod(method, values, services[method.service]);
  const prefix = requestPrefix(java);
  return {
    method,
    serial: hessianSerial,
    number: maxNumbers,
    oneway: java.oneway,
    write: (sink, { request, context }, leftMs) =>
      writeRequest(sink, prefix, java.toArguments(request), requestAttachments(java, context, leftMs)),
    read(bytes, start, end, status) {
      if (status !== frameStatus.ok) throw errorOfStatus(status, readMessage(bytes, start, end));
      let reply: DubboReply;
      let response: unknown;
      try {
        reply = readReply(bytes, start, end, java.exceptions);
        if (!reply.error) response = java.fromResult(reply.value);
      } catch (error) {
        throw unreadable(method, error);
      }
      if (reply.error) throw reply.error;
      return { response, headers: reply.headers, trailers: () => reply.trailers };
    },
    nothing: () => ({ response: java.fromResult(null), headers: noMetadata, trailers: noTrailers }),
  };
}
