// What encoders, generated and interpreting, write with. Positions come in and go out; room has been made before.
import { Buffer } from "node:buffer";
import type { ByteSink } from "../types.ts";
import { fail } from "./fault.ts";

const float64 = new Float64Array(1);
const float32 = new Float32Array(float64.buffer);
const int64Bits = new BigInt64Array(float64.buffer);
const uint64Bits = new BigUint64Array(float64.buffer);
const words = new Uint32Array(float64.buffer);
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const low = littleEndian ? 0 : 1;
const high = 1 - low;

/** Texts up to this many UTF-16 units are copied unit by unit; above, a call into the runtime is cheaper. Their length takes one byte. */
const shortText = 40;
/** Up to this many units three bytes are reserved for each, above the text is measured. */
const measuredText = 8191;

/** Makes room for `bytes` at `position` and returns the buffer to write into. */
export function grow(sink: ByteSink, position: number, bytes: number): Buffer {
  sink.position = position;
  sink.reserve(bytes);
  return bufferOf(sink);
}

/** The sink's buffer as a Buffer on the same memory. */
export function bufferOf(sink: ByteSink): Buffer {
  const { buffer } = sink;
  if (buffer instanceof Buffer) return buffer;
  const view = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  sink.buffer = view;
  return view;
}

/** How many bytes a text may take beside its length. */
export function textRoom(text: string): number {
  return text.length > measuredText ? Buffer.byteLength(text) : text.length * 3;
}

export function writeVarint32(b: Uint8Array, position: number, value: number): number {
  let p = position;
  let rest = value;
  while (rest > 127) {
    b[p++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  b[p++] = rest;
  return p;
}

/** A negative int32 takes ten bytes, as if it were an int64. */
export function writeInt32(b: Uint8Array, p: number, value: number): number {
  return value < 0 ? writeWords(b, p, value >>> 0, 0xffffffff) : writeVarint32(b, p, value);
}

export function writeSint32(b: Uint8Array, p: number, value: number): number {
  return writeVarint32(b, p, ((value << 1) ^ (value >> 31)) >>> 0);
}

function writeWords(b: Uint8Array, position: number, lowWord: number, highWord: number): number {
  let p = position;
  let lo = lowWord;
  let hi = highWord;
  while (hi !== 0) {
    b[p++] = (lo & 127) | 128;
    lo = ((lo >>> 7) | (hi << 25)) >>> 0;
    hi >>>= 7;
  }
  return writeVarint32(b, p, lo);
}

export function writeInt64(b: Uint8Array, p: number, value: bigint): number {
  signed(value);
  return writeWords(b, p, words[low] as number, words[high] as number);
}

export function writeUint64(b: Uint8Array, p: number, value: bigint): number {
  unsigned(value);
  return writeWords(b, p, words[low] as number, words[high] as number);
}

export function writeSint64(b: Uint8Array, p: number, value: bigint): number {
  signed(value);
  const lo = words[low] as number;
  const hi = words[high] as number;
  const sign = (hi | 0) >> 31;
  return writeWords(b, p, ((lo << 1) ^ sign) >>> 0, (((hi << 1) | (lo >>> 31)) ^ sign) >>> 0);
}

export function writeSfixed64(b: Uint8Array, p: number, value: bigint): number {
  signed(value);
  return writeBoth(b, p);
}

export function writeFixed64(b: Uint8Array, p: number, value: bigint): number {
  unsigned(value);
  return writeBoth(b, p);
}

function signed(value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) fail("not a signed 64-bit bigint");
  int64Bits[0] = value;
}

function unsigned(value: bigint): void {
  if (BigInt.asUintN(64, value) !== value) fail("not an unsigned 64-bit bigint");
  uint64Bits[0] = value;
}

export function writeDouble(b: Uint8Array, p: number, value: number): number {
  float64[0] = value;
  return writeBoth(b, p);
}

export function writeFloat(b: Uint8Array, p: number, value: number): number {
  float32[0] = value;
  return writeFixed32(b, p, words[0] as number);
}

function writeBoth(b: Uint8Array, p: number): number {
  writeFixed32(b, p, words[low] as number);
  return writeFixed32(b, p + 4, words[high] as number);
}

export function writeFixed32(b: Uint8Array, p: number, value: number): number {
  b[p] = value;
  b[p + 1] = value >>> 8;
  b[p + 2] = value >>> 16;
  b[p + 3] = value >>> 24;
  return p + 4;
}

/** A number that float can hold: not one beyond its range that would turn into an infinity. */
export function isFloat(value: unknown): value is number {
  return typeof value === "number" && (Number.isFinite(Math.fround(value)) || !Number.isFinite(value));
}

/** A text with its length. Fails for lone surrogates, which UTF-8 cannot express. */
export function writeText(b: Buffer, p: number, text: string): number {
  const size = text.length;
  if (size > shortText) return writeLongText(b, p, text);
  let q = p + 1;
  for (let i = 0; i < size; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return writeLongText(b, p, text);
    b[q++] = unit;
  }
  b[p] = size;
  return q;
}

function writeLongText(b: Buffer, p: number, text: string): number {
  const size = text.length;
  const guess = varintSize(size);
  const written = b.write(text, p + guess);
  if (written !== size) {
    if (!text.isWellFormed()) fail("text with a lone surrogate");
    const real = varintSize(written);
    if (real !== guess) b.copyWithin(p + real, p + guess, p + guess + written);
  }
  return writeVarint32(b, p, written) + written;
}

export function writeBytes(b: Uint8Array, position: number, bytes: Uint8Array): number {
  const size = bytes.length;
  const p = writeVarint32(b, position, size);
  if (size > 32) b.set(bytes, p);
  else for (let i = 0; i < size; i++) b[p + i] = bytes[i] as number;
  return p + size;
}

const varintSize = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;

/**
 * Writes the length of what stands from `start` to `end` into the one byte kept free before it, and moves it when its
 * length takes more. Returns the new end; the sink may have a new buffer.
 */
export function patchLength(sink: ByteSink, start: number, end: number): number {
  const size = end - start;
  const more = varintSize(size) - 1;
  const b = grow(sink, end, more);
  if (more > 0) b.copyWithin(start + more, start, end);
  writeVarint32(b, start - 1, size);
  return end + more;
}
