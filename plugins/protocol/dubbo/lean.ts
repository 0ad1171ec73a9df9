import type { Buffer } from "node:buffer";
import { type CallContext, eachHeader, type Metadata, noMetadata, sendsBare, type TraceContext } from "@mortise/kernel";
import type { ByteSink } from "@mortise/kernel/contract";
import { readInt32, writeInt32 } from "./frame.ts";
import { malformedBody, maxBlock, readBlock, writeBlock, writeMetadata } from "./headers.ts";

// Bodies between Mortise processes, for every serializer but hessian2.
// Request: flags, method (2 bytes), [path], [serializer], [timeout in ms (4 bytes)], [trace (49 bytes)], [headers], message.
// Response: flags, [headers], [trailers], message or error. The version is in the upper three bits of the flags.

const version = 0x20;
const versionMask = 0xe0;

const hasTimeout = 0x01;
const hasTrace = 0x02;
const hasHeaders = 0x04;
/** The path follows, and is what the number stands for from now on. */
const hasPath = 0x08;
/** The serialization id says nothing: the name of the serializer follows. */
const hasSerializer = 0x10;

const replyHeaders = 0x01;
const replyTrailers = 0x02;

/** Numbers below this are remembered by the connection, so that a path is sent once. */
export const maxNumbers = 8192;
/** Stands for a path that is sent with every request. */
const noNumber = 0xffff;
/** The longest path a request may name, in bytes. */
export const maxPath = 512;

const traceBytes = 49;
const maxTimeoutMs = 0xffff_ffff;

/** How a method is named on the wire: by its number where the peer has been told what that stands for. */
export interface LeanName {
  readonly number: number;
  readonly path: Buffer;
  /** The serializer by name, where the id of the serialization does not say it. */
  readonly serializer: Buffer | undefined;
}

/**
 * Writes everything of a request ahead of the message.
 * @param tell whether the peer has to be told what the number of the method stands for
 */
export function writeRequestHead(
  sink: ByteSink,
  { number, path, serializer }: LeanName,
  tell: boolean,
  context: CallContext,
  leftMs: number,
): void {
  sink.reserve(64 + traceBytes + path.length + (serializer?.length ?? 0));
  const { buffer, position: start } = sink;
  const headers = !sendsBare(context);
  const trace = headers ? undefined : context.trace;
  const withPath = tell || number >= maxNumbers;
  const named = number < maxNumbers ? number : noNumber;
  let flags = version;
  buffer[start + 1] = named >>> 8;
  buffer[start + 2] = named;
  let at = start + 3;
  if (withPath) {
    flags |= hasPath;
    buffer[at] = path.length >>> 8;
    buffer[at + 1] = path.length;
    buffer.set(path, at + 2);
    at += 2 + path.length;
  }
  if (serializer) {
    flags |= hasSerializer;
    buffer[at] = serializer.length;
    buffer.set(serializer, at + 1);
    at += 1 + serializer.length;
  }
  if (leftMs <= maxTimeoutMs) {
    flags |= hasTimeout;
    writeInt32(buffer, at, Math.ceil(leftMs));
    at += 4;
  }
  if (trace) {
    flags |= hasTrace;
    at = writeTrace(buffer, at, trace);
  }
  if (headers) flags |= hasHeaders;
  buffer[start] = flags;
  sink.position = at;
  if (headers) writeBlock(sink, (write) => eachHeader(context, write));
}

function writeTrace(buffer: Uint8Array, start: number, { traceId, spanId, sampled }: TraceContext): number {
  buffer[start] = sampled ? 1 : 0;
  for (let i = 0; i < 32; i++) buffer[start + 1 + i] = traceId.charCodeAt(i);
  for (let i = 0; i < 16; i++) buffer[start + 33 + i] = spanId.charCodeAt(i);
  return start + traceBytes;
}

/** Whether a body can be one of these at all. */
export function isLean(bytes: Buffer, start: number, end: number): boolean {
  return start < end && ((bytes[start] as number) & versionMask) === version;
}

/** What a request says ahead of its message. One object serves all requests: take what you need before the next one. */
export interface LeanHead {
  number: number;
  /** Set where the request names it. */
  path: string | undefined;
  serializer: string | undefined;
  timeoutMs: number | undefined;
  trace: TraceContext | undefined;
  headers: Metadata;
  /** Where the message begins. */
  message: number;
}

const head: LeanHead = {
  number: 0,
  path: undefined,
  serializer: undefined,
  timeoutMs: undefined,
  trace: undefined,
  headers: noMetadata,
  message: 0,
};

/** Reads what stands ahead of the message of a request. Throws INVALID_ARGUMENT when it is malformed. */
export function readRequestHead(bytes: Buffer, from: number, end: number): LeanHead {
  const flags = bytes[from] as number;
  if (end - from < 3 || (flags & versionMask) !== version) throw malformedBody("it is not one of Mortise's");
  const number = ((bytes[from + 1] as number) << 8) | (bytes[from + 2] as number);
  let at = from + 3;
  head.path = undefined;
  head.serializer = undefined;
  if (flags & hasPath) {
    const length = at + 2 <= end ? ((bytes[at] as number) << 8) | (bytes[at + 1] as number) : maxPath + 1;
    at = within(at + 2 + length, end, length <= maxPath);
    head.path = bytes.toString("utf8", at - length, at);
  }
  if (flags & hasSerializer) {
    const length = at < end ? (bytes[at] as number) : 0;
    at = within(at + 1 + length, end);
    head.serializer = bytes.toString("utf8", at - length, at);
  }
  head.timeoutMs = undefined;
  if (flags & hasTimeout) {
    at = within(at + 4, end);
    head.timeoutMs = readInt32(bytes, at - 4) >>> 0;
  }
  head.trace = undefined;
  if (flags & hasTrace) {
    at = within(at + traceBytes, end);
    head.trace = readTrace(bytes, at - traceBytes);
  }
  head.headers = noMetadata;
  if (flags & hasHeaders) {
    const block = blockEnd(bytes, at, end);
    head.headers = readBlock(bytes, at + 4, block);
    at = block;
  }
  head.number = number === noNumber ? -1 : number;
  head.message = at;
  return head;
}

function within(at: number, end: number, fits = true): number {
  if (at > end || !fits) throw malformedBody("it is cut off");
  return at;
}

function blockEnd(bytes: Buffer, at: number, end: number): number {
  const start = within(at + 4, end);
  const length = readInt32(bytes, at);
  return within(start + length, end, length >= 0 && length <= maxBlock);
}

/** The trace; nothing where it is not made of hex digits, for a call does not fail for the sake of its trace. */
function readTrace(bytes: Buffer, at: number): TraceContext | undefined {
  for (let i = at + 1; i < at + traceBytes; i++) {
    const digit = bytes[i] as number;
    if (digit < 0x30 || digit > 0x66 || (digit > 0x39 && digit < 0x61)) return undefined;
  }
  const ids = at + 1;
  return {
    traceId: bytes.toString("latin1", ids, ids + 32), // not parts of one text: tracers keep ids, and would keep the whole
    spanId: bytes.toString("latin1", ids + 32, ids + 48),
    sampled: bytes[at] === 1,
    state: "",
  };
}

/** Writes everything of a response ahead of the message or error. */
export function writeReplyHead(sink: ByteSink, headers: Metadata, trailers: Metadata): void {
  sink.reserve(1);
  const start = sink.position++;
  let flags = version;
  if (headers !== noMetadata) {
    flags |= replyHeaders;
    writeMetadata(sink, headers);
  }
  if (trailers !== noMetadata) {
    flags |= replyTrailers;
    writeMetadata(sink, trailers);
  }
  sink.buffer[start] = flags;
}

/** What a response says ahead of its message; one object serves all. */
export interface ReplyHead {
  headers: Metadata;
  trailers: Metadata;
  message: number;
}

const replyHead: ReplyHead = { headers: noMetadata, trailers: noMetadata, message: 0 };

/** Reads what stands ahead of the message of a response. Throws INVALID_ARGUMENT when it is malformed. */
export function readReplyHead(bytes: Buffer, from: number, end: number): ReplyHead {
  const flags = bytes[from] as number;
  if (end <= from || (flags & versionMask) !== version) throw malformedBody("it is not one of Mortise's");
  let at = from + 1;
  replyHead.headers = noMetadata;
  if (flags & replyHeaders) {
    const block = blockEnd(bytes, at, end);
    replyHead.headers = readBlock(bytes, at + 4, block);
    at = block;
  }
  replyHead.trailers = noMetadata;
  if (flags & replyTrailers) {
    const block = blockEnd(bytes, at, end);
    replyHead.trailers = readBlock(bytes, at + 4, block);
    at = block;
  }
  replyHead.message = at;
  return replyHead;
}
