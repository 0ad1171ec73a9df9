import { Buffer } from "node:buffer";
import { type Metadata, noMetadata, StatusError } from "@mortise/kernel";
import { type ByteSink, byteSink } from "@mortise/kernel/contract";
import { HessianReader, type HessianValue, HessianWriter } from "@mortise/kernel/hessian";
import { type Attachments, headersOf, type ReceivedAttachments, replyAttachments, trailersOf } from "./attachments.ts";
import { malformedBody } from "./headers.ts";
import { attachStatus, errorOfException, exceptionOf } from "./java-errors.ts";
import { countParameters, type JavaMethod } from "./java-method.ts";

/** The version of the protocol that a Dubbo of today says it speaks. */
export const dubboVersion = "2.0.2";

/** First value of a response body (org.apache.dubbo.rpc.protocol.dubbo.DubboCodec). */
const withException = 0;
const withValue = 1;
const withNull = 2;
/** The same three with attachments after them. */
const attached = 3;

/** What stands in front of the arguments in every request of a method. */
export function requestPrefix({ interface: path, version, name, descriptor }: JavaMethod): Uint8Array {
  const sink = byteSink(256);
  const writer = new HessianWriter(sink);
  for (const text of [dubboVersion, path, version === "" ? "0.0.0" : version, name, descriptor]) writer.string(text);
  return Buffer.from(sink.buffer.subarray(0, sink.position));
}

export function writeRequest(
  sink: ByteSink,
  prefix: Uint8Array,
  values: readonly HessianValue[],
  attachments: Attachments,
): void {
  sink.reserve(prefix.length);
  sink.buffer.set(prefix, sink.position);
  sink.position += prefix.length;
  const writer = new HessianWriter(sink);
  for (const value of values) writer.value(value);
  writer.value(attachments);
}

/** A request as Dubbo 2 has it. */
export interface DubboRequest {
  readonly dubbo: string;
  readonly path: string;
  readonly version: string;
  readonly method: string;
  readonly descriptor: string;
  readonly values: readonly HessianValue[];
  readonly attachments: ReceivedAttachments;
}

const none: ReceivedAttachments = new Map();

/** Reads a request. Throws INVALID_ARGUMENT where it is malformed. */
export function readRequest(bytes: Buffer, start: number, end: number): DubboRequest {
  const reader = new HessianReader(bytes, start, end);
  const [dubbo = "", path = "", version = "", method = "", descriptor = ""] = Array.from(
    { length: 5 },
    () => reader.text() ?? "",
  );
  const count = countParameters(descriptor);
  if (count === undefined || count > 255) throw malformedBody("its descriptor of parameters is none");
  const values = Array.from({ length: count }, () => reader.value());
  return { dubbo, path, version, method, descriptor, values, attachments: readAttachments(reader) };
}

function readAttachments(reader: HessianReader): ReceivedAttachments {
  if (reader.done) return none;
  const value = reader.value();
  return value instanceof Map ? value : none;
}

/** Whether a peer of this version understands attachments of responses (org.apache.dubbo.common.Version). */
export function takesReplyAttachments(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const number = major * 1_000_000 + minor * 10_000 + patch * 100;
  if ((number >= 2_001_000 && number <= 2_060_200) || (number >= 2_080_000 && number < 2_090_000)) return false;
  return number >= 2_000_200;
}

export function writeResult(
  sink: ByteSink,
  value: HessianValue,
  headers: Metadata,
  trailers: Metadata,
  attach: boolean,
): void {
  const writer = new HessianWriter(sink);
  const attachments = attach && (headers !== noMetadata || trailers !== noMetadata);
  writer.int((value === null ? withNull : withValue) + (attachments ? attached : 0));
  if (value !== null) writer.value(value);
  if (attachments) writer.value(replyAttachments(headers, trailers));
}

export function writeException(
  sink: ByteSink,
  error: StatusError,
  exceptions: Readonly<Record<string, string>>,
  attach: boolean,
): void {
  const writer = new HessianWriter(sink);
  writer.int(withException + (attach ? attached : 0));
  writer.value(exceptionOf(error, exceptions));
  if (!attach) return;
  const attachments = replyAttachments(noMetadata, error.trailers);
  attachStatus(error, attachments);
  writer.value(attachments);
}

/** A response that came in. */
export interface DubboReply {
  /** What was thrown in place of a value. */
  readonly error: StatusError | undefined;
  readonly value: HessianValue;
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

/** Reads a response. Throws a StatusError for what is none. */
export function readReply(
  bytes: Buffer,
  start: number,
  end: number,
  exceptions: Readonly<Record<string, string>>,
): DubboReply {
  const reader = new HessianReader(bytes, start, end);
  const kind = reader.value();
  if (typeof kind !== "number" || kind < withException || kind > withNull + attached)
    throw new StatusError("INTERNAL", "the response is malformed: it does not say what it is");
  const plain = kind % attached;
  const value = plain === withNull ? null : reader.value();
  const attachments = kind >= attached ? readAttachments(reader) : none;
  const trailers = attachments.size > 0 ? trailersOf(attachments) : noMetadata;
  const error = plain === withException ? errorOfException(value, attachments, trailers, exceptions) : undefined;
  return { error, value, headers: attachments.size > 0 ? headersOf(attachments) : noMetadata, trailers };
}

/** The text of a response that says no more than a status. */
export function readMessage(bytes: Buffer, start: number, end: number): string {
  try {
    const value = new HessianReader(bytes, start, end).value();
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}

export function writeMessage(sink: ByteSink, message: string): void {
  new HessianWriter(sink).string(message);
}
