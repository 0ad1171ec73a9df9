import { Buffer } from "node:buffer";
import { type ErrorCode, type Metadata, StatusError, statusCodes, statusData, statusFromData } from "@mortise/kernel";
import { byteSink } from "@mortise/kernel/contract";
import {
  errorOfJava,
  FirstHessianReader,
  HessianObject,
  HessianReader,
  type HessianValue,
  HessianWriter,
  readException,
} from "@mortise/kernel/hessian";

// hessian.caucho.com, "Hessian 2.0 Web Services Protocol"; calls of Hessian 1.0.2 as well, with which Java's own client begins.

/** Every call and reply of Hessian 2 begins with it. */
const version2 = Uint8Array.of(0x48, 0x02, 0x00);
const replyHead = Uint8Array.of(...version2, 0x52);
const faultHead = Uint8Array.of(...version2, 0x46);
/** In the map of a fault: the exact status, as JSON, for Mortise processes. */
const statusKey = "mortise-status";
/** Longest name of a method, in characters. */
const longestName = 1024;

/** A call that came in. */
export interface HessianCall {
  /** As it stands in the call, for example `place__2` where Java's methods are overloaded. */
  readonly method: string;
  readonly count: number;
  /** Where the arguments begin; nothing for a call of Hessian 1, which has `values`. */
  readonly start: number;
  readonly values: readonly HessianValue[] | undefined;
}

/** A call with arguments that are written already. */
export function writeCall(method: string, count: number, values: Uint8Array): Buffer {
  const sink = byteSink(256);
  const writer = new HessianWriter(sink);
  writer.string(method);
  writer.int(count);
  return Buffer.concat([version2, Uint8Array.of(0x43), sink.buffer.subarray(0, sink.position), values]);
}

/** Whether a peer wants its answer in Hessian 1. */
export function wantsFirstVersion(body: Uint8Array): boolean {
  return body[0] === 0x63 && (body[1] ?? 0) < 2;
}

/** Reads a call. Throws INVALID_ARGUMENT for what is none. */
export function readCall(body: Uint8Array): HessianCall {
  if (body[0] === 0x63) return readFirstCall(body);
  const start = body[0] === 0x48 && body[1] === 2 ? 3 : 0;
  if (body[start] !== 0x43) throw malformed("it does not begin as one");
  const reader = new HessianReader(body, start + 1);
  const method = reader.value();
  const count = reader.value();
  if (typeof method !== "string" || method.length > longestName) throw malformed("it names no method");
  if (typeof count !== "number" || !Number.isInteger(count) || count < 0)
    throw malformed("it does not say how many arguments it has");
  return { method, count, start: reader.position, values: undefined };
}

/** Hessian 1: `c 2 0`, headers, `m` and the name, arguments, `z`. */
function readFirstCall(body: Uint8Array): HessianCall {
  let at = 3;
  let reader = new FirstHessianReader(body, at);
  for (; body[at] === 0x48; at = reader.position) {
    reader = new FirstHessianReader(body, at + 1);
    reader.bareText();
    reader.value();
  }
  if (body[at] !== 0x6d) throw malformed("it names no method");
  reader = new FirstHessianReader(body, at + 1);
  const method = reader.bareText();
  const values: HessianValue[] = [];
  while (!reader.ends()) values.push(reader.value());
  return { method, count: values.length, start: 0, values };
}

function malformed(why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `the body is no call of Hessian: ${why}`, { reason: "MALFORMED_BYTES" });
}

/** A reply with a result that is written already. */
export function writeReply(result: Uint8Array): Buffer {
  return Buffer.concat([replyHead, result]);
}

/** What Hessian itself calls these. */
const faultCodes: Partial<Readonly<Record<ErrorCode, string>>> = { UNIMPLEMENTED: "NoSuchMethodException" };

/** An error as a fault; `detail` is the exception that Java throws where its reason stands for one. */
export function writeFault(error: StatusError, exceptions: Readonly<Record<string, string>> = {}): Buffer {
  const named = error.reason !== undefined && Object.hasOwn(exceptions, error.reason) && exceptions[error.reason];
  const fault = new Map<HessianValue, HessianValue>([
    ["code", named ? "ServiceException" : (faultCodes[error.code] ?? error.code)],
    ["message", error.message],
    [statusKey, JSON.stringify(statusData(error))],
  ]);
  if (named) fault.set("detail", new HessianObject(named, new Map([["detailMessage", error.message]])));
  const sink = byteSink(512);
  new HessianWriter(sink).value(fault);
  return Buffer.concat([faultHead, sink.buffer.subarray(0, sink.position)]);
}

/** A fault for peers that read nothing but Hessian 1. */
export function writeFirstFault(code: string, message: string): Buffer {
  const texts = ["code", code, "message", message].flatMap((text) => {
    const bytes = Buffer.from(text.replace(/[^\x20-\x7e]/g, "?").slice(0, 1000), "latin1");
    return [Uint8Array.of(0x53, bytes.length >> 8, bytes.length & 0xff), bytes];
  });
  return Buffer.concat([Uint8Array.of(0x72, 1, 0, 0x66), ...texts, Uint8Array.of(0x7a, 0x7a)]);
}

/** Where the result of a reply begins. Throws the error of a fault, or INTERNAL for what is neither. */
export function readReply(body: Uint8Array, exceptions: Readonly<Record<string, string>>, trailers: Metadata): number {
  if (body[0] !== 0x48 || body[1] !== 2 || (body[3] !== 0x52 && body[3] !== 0x46))
    throw new StatusError("INTERNAL", "the response is malformed: it is no reply of Hessian 2");
  if (body[3] === 0x52) return replyHead.length;
  const fault = new HessianReader(body, faultHead.length).value();
  throw fault instanceof Map
    ? errorOfFault(fault, exceptions, trailers)
    : new StatusError("INTERNAL", "the response is malformed: its fault is no map");
}

/** Whether a body is a reply or fault, whatever the status of HTTP says. */
export function isReply(body: Uint8Array): boolean {
  return body[0] === 0x48 && body[1] === 2;
}

const codesOfFaults: Readonly<Record<string, ErrorCode>> = {
  NoSuchMethodException: "UNIMPLEMENTED",
  NoSuchObjectException: "UNIMPLEMENTED",
  ProtocolException: "INVALID_ARGUMENT",
  RequireHeaderException: "INVALID_ARGUMENT",
};

function errorOfFault(
  fault: ReadonlyMap<HessianValue, HessianValue>,
  exceptions: Readonly<Record<string, string>>,
  trailers: Metadata,
): StatusError {
  const exact = parsed(fault.get(statusKey));
  if (exact !== undefined) return statusFromData(exact, trailers);
  const [code, message, detail] = ["code", "message", "detail"].map((key) => fault.get(key) ?? null);
  if (detail instanceof HessianObject) return errorOfJava(readException(detail), exceptions, trailers);
  const name = typeof code === "string" ? code : "";
  return new StatusError(codesOfFaults[name] ?? codeNamed(name), typeof message === "string" ? message : name, {
    trailers,
  });
}

function codeNamed(name: string): ErrorCode {
  return Object.hasOwn(statusCodes, name) && name !== "OK" ? (name as ErrorCode) : "UNKNOWN";
}

function parsed(json: HessianValue | undefined): unknown {
  if (typeof json !== "string") return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
