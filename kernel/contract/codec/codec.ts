import type { StatusError } from "../../call/status.ts";
import { isOpaque } from "../opaque.ts";
import type { ByteSink, Codec, MessageType } from "../types.ts";
import { aheadOfTime } from "./ahead.ts";
import { fail, fault, lastFault } from "./fault.ts";
import { compile, type FastPath } from "./generate.ts";
import { interpretDecode, tooCostly } from "./interpret-decode.ts";
import { interpretEncode } from "./interpret-encode.ts";
import { type DecodeLimits, decodeLimits } from "./limits.ts";
import { type Pool, pool } from "./pool.ts";
import { describe, invalid } from "./problem.ts";
import { cursor } from "./wire-read.ts";
import { bufferOf } from "./wire-write.ts";

const codecs = new WeakMap<MessageType, Codec<unknown>>();
const fastPaths = new WeakMap<MessageType, FastPath>();

/**
 * The codec of a message type: always the same object for the same type. Its source is generated and compiled on first
 * use; where code from text is forbidden, one written ahead of time serves, or an interpreting one with the same results.
 */
export function codecOf<T>(type: MessageType<T>): Codec<T> {
  let codec = codecs.get(type);
  if (!codec) {
    codec = limitedCodec(type, decodeLimits);
    codecs.set(type, codec);
  }
  return codec as Codec<T>;
}

/** A codec with limits of its own; see {@link decodeLimits} for the usual ones. Not cached; ts-proto's codecs keep their own. */
export function limitedCodec<T>(type: MessageType<T>, limits: Partial<DecodeLimits>): Codec<T> {
  const own = isOpaque(type) ? codecs.get(type) : undefined;
  return (own ?? codec(type, { ...decodeLimits, ...limits }, () => fastPathOf(type))) as Codec<T>;
}

/** The codec that generates no code: the reference for the others. */
export function interpretedCodec<T>(type: MessageType<T>, limits: Partial<DecodeLimits> = {}): Codec<T> {
  return codec(type, { ...decodeLimits, ...limits }, () => interpreting) as Codec<T>;
}

/** Makes `codec` the codec of a type that has its own way to bytes. */
export function adoptCodec<T>(type: MessageType<T>, codec: Codec<T>): void {
  codecs.set(type, codec as Codec<unknown>);
}

function fastPathOf(type: MessageType): FastPath {
  let path = fastPaths.get(type);
  if (!path) {
    path = aheadOfTime(type) ?? compiled(type);
    fastPaths.set(type, path);
  }
  return path;
}

function compiled(type: MessageType): FastPath {
  try {
    return compile(type);
  } catch (error) {
    if (error instanceof EvalError) return interpreting;
    throw error;
  }
}

const rare = (): never => fail("taken by the interpreting codec");

/** Every value takes the way that otherwise only wrong and rare ones take. */
const interpreting: FastPath = { encode: rare, decode: rare };

const shared = pool();
let busy = false;

function codec(type: MessageType, limits: DecodeLimits, load: () => FastPath): Codec<unknown> {
  const { maxBytes, maxHeapBytes } = limits;
  const deepest = limits.maxDepth - 1;
  let path: FastPath | undefined;

  function encodeInto(value: unknown, sink: ByteSink): void {
    path ??= load();
    const start = sink.position;
    bufferOf(sink);
    try {
      sink.position = path.encode(value, sink, start, deepest);
    } catch (error) {
      sink.position = start;
      if (error !== fault) throw error;
      encodeRare(type, value, sink, limits);
    }
  }

  function encodeWith(into: Pool, value: unknown): Uint8Array {
    into.begin();
    try {
      encodeInto(value, into.sink);
    } catch (error) {
      into.drop();
      throw error;
    }
    return into.take();
  }

  return {
    encodeInto,
    encode(value) {
      // A getter of the value may encode another message meanwhile.
      if (busy) return encodeWith(pool(), value);
      busy = true;
      try {
        return encodeWith(shared, value);
      } finally {
        busy = false;
      }
    },
    decode(bytes, start = 0, end = bytes?.length ?? 0) {
      path ??= load();
      const fits = bytes instanceof Uint8Array && start >= 0 && start <= end && end <= bytes.length;
      if (!fits || end - start > maxBytes) throw unfit(type, bytes, start, end, maxBytes);
      cursor.heap = maxHeapBytes;
      try {
        return path.decode(bytes, start, end, deepest);
      } catch (error) {
        if (error !== fault) throw error;
        if (lastFault.final) throw tooCostly(type);
        return interpretDecode(type, bytes, start, end, limits);
      }
    },
  };
}

/** Writes the value, or throws what is wrong with it and leaves the sink as it was. */
function encodeRare(type: MessageType, value: unknown, sink: ByteSink, { maxDepth }: DecodeLimits): void {
  const start = sink.position;
  try {
    interpretEncode(type, value, sink, maxDepth);
  } catch (error) {
    sink.position = start;
    throw error;
  }
}

function unfit(type: MessageType, bytes: unknown, start: number, end: number, maxBytes: number): StatusError {
  const problem = !(bytes instanceof Uint8Array)
    ? `expected bytes, got ${describe(bytes, true)}`
    : end - start > maxBytes
      ? `${end - start} bytes are more than maxBytes (${maxBytes}) allows`
      : `positions ${start} to ${end} are not within ${bytes.length} bytes`;
  return invalid(type, [], problem, "MALFORMED_BYTES");
}
