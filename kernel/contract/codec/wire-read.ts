// What decoders, generated and interpreting, read with. Where a value has no fixed size, `cursor.position` is its end.
import { fail, failFinally } from "./fault.ts";
import { wireTypes } from "./layout.ts";

/** Where the last value ended, and how many bytes of memory the value being decoded may still take. */
export const cursor = { position: 0, heap: 0 };

const float64 = new Float64Array(1);
const float32 = new Float32Array(float64.buffer);
const int64Bits = new BigInt64Array(float64.buffer);
const uint64Bits = new BigUint64Array(float64.buffer);
const words = new Uint32Array(float64.buffer);
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const low = littleEndian ? 0 : 1;
const high = 1 - low;

const truncated = "the bytes end in the middle of a value";

/** Takes `bytes` off what the value may cost. */
export function spend(bytes: number): void {
  cursor.heap -= bytes;
  if (cursor.heap < 0) failFinally("the value would take more memory than maxHeapBytes allows");
}

/** The low 32 bits of a varint, unsigned. */
export function readVarint32(b: Uint8Array, position: number, end: number): number {
  let value = 0;
  for (let shift = 0, p = position; p < end && shift < 70; shift += 7) {
    const byte = b[p++] as number;
    if (shift < 32) value |= (byte & 127) << shift;
    if (byte < 128) {
      cursor.position = p;
      return value >>> 0;
    }
  }
  return malformedVarint(position, end);
}

/** Reads a varint into the two words. */
function readWords(b: Uint8Array, position: number, end: number): void {
  let lo = 0;
  let hi = 0;
  for (let shift = 0, p = position; p < end && shift < 70; shift += 7) {
    const byte = b[p++] as number;
    if (shift < 28) lo |= (byte & 127) << shift;
    else if (shift > 28) hi |= (byte & 127) << (shift - 32);
    else {
      lo |= byte << 28;
      hi |= (byte & 127) >>> 4;
    }
    if (byte < 128) {
      words[low] = lo;
      words[high] = hi;
      cursor.position = p;
      return;
    }
  }
  malformedVarint(position, end);
}

function malformedVarint(position: number, end: number): never {
  return fail(end - position < 10 ? truncated : "a number longer than ten bytes");
}

/** A tag; field numbers start at 1. */
export function readTag(b: Uint8Array, position: number, end: number): number {
  readWords(b, position, end);
  if (words[high] !== 0) fail("a tag longer than 32 bits");
  return words[low] as number;
}

/** A length that must fit before `end`. Returns the end of what it measures; `cursor.position` is its start. */
export function readLength(b: Uint8Array, position: number, end: number): number {
  readWords(b, position, end);
  const stop = cursor.position + (words[low] as number);
  if (stop > end || words[high] !== 0) fail(truncated);
  return stop;
}

export function readBool(b: Uint8Array, position: number, end: number): boolean {
  readWords(b, position, end);
  return words[low] !== 0 || words[high] !== 0;
}

const smallBigints = Array.from({ length: 128 }, (_, i) => BigInt(i));

export function readInt64(b: Uint8Array, p: number, end: number): bigint {
  if (p < end) {
    const first = b[p] as number;
    if (first < 128) {
      cursor.position = p + 1;
      return smallBigints[first] as bigint;
    }
  }
  readWords(b, p, end);
  return int64Bits[0] as bigint;
}

export function readUint64(b: Uint8Array, p: number, end: number): bigint {
  if (p < end) {
    const first = b[p] as number;
    if (first < 128) {
      cursor.position = p + 1;
      return smallBigints[first] as bigint;
    }
  }
  readWords(b, p, end);
  return uint64Bits[0] as bigint;
}

export function readSint64(b: Uint8Array, p: number, end: number): bigint {
  readWords(b, p, end);
  const lo = words[low] as number;
  const hi = words[high] as number;
  const sign = -(lo & 1);
  words[low] = ((lo >>> 1) | (hi << 31)) ^ sign;
  words[high] = (hi >>> 1) ^ sign;
  return int64Bits[0] as bigint;
}

export function readFixed32(b: Uint8Array, p: number): number {
  return readSfixed32(b, p) >>> 0;
}

export function readSfixed32(b: Uint8Array, p: number): number {
  return (b[p] as number) | ((b[p + 1] as number) << 8) | ((b[p + 2] as number) << 16) | ((b[p + 3] as number) << 24);
}

function readBoth(b: Uint8Array, p: number): void {
  words[low] = readSfixed32(b, p);
  words[high] = readSfixed32(b, p + 4);
}

export function readFixed64(b: Uint8Array, p: number): bigint {
  readBoth(b, p);
  return uint64Bits[0] as bigint;
}

export function readSfixed64(b: Uint8Array, p: number): bigint {
  readBoth(b, p);
  return int64Bits[0] as bigint;
}

export function readDouble(b: Uint8Array, p: number): number {
  readBoth(b, p);
  return float64[0] as number;
}

export function readFloat(b: Uint8Array, p: number): number {
  words[0] = readSfixed32(b, p);
  return float32[0] as number;
}

/** A copy, so that the message does not hold on to the buffer it came in. */
export function readBytes(b: Uint8Array, p: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - p);
  if (end - p > 32) copy.set(b.subarray(p, end));
  else for (let i = p; i < end; i++) copy[i - p] = b[i] as number;
  return copy;
}

/** Passes over a value nobody asked for and returns where it ends; `depth` is how many groups may nest. */
export function skip(b: Uint8Array, p: number, end: number, tag: number, depth: number): number {
  if (tag < 8) fail("field number 0");
  switch (tag & 7) {
    case wireTypes.varint:
      readWords(b, p, end);
      return cursor.position;
    case wireTypes.fixed64:
      return p + 8 > end ? fail(truncated) : p + 8;
    case wireTypes.length:
      return readLength(b, p, end);
    case wireTypes.startGroup:
      return skipGroup(b, p, end, tag, depth);
    case wireTypes.fixed32:
      return p + 4 > end ? fail(truncated) : p + 4;
    default:
      return fail(`wire type ${tag & 7} where a field should start`);
  }
}

function skipGroup(b: Uint8Array, position: number, end: number, tag: number, depth: number): number {
  if (depth <= 0) fail("messages nested deeper than maxDepth allows");
  let p = position;
  while (p < end) {
    const inner = readTag(b, p, end);
    p = cursor.position;
    if (inner === tag + 1) return p;
    p = skip(b, p, end, inner, depth - 1);
  }
  return fail(truncated);
}

/** Takes what a packed block of numbers will cost off the budget, before any memory is taken for it. */
export function spendPacked(b: Uint8Array, p: number, end: number, width: number, cost: number): void {
  if (width > 0) return spend(((end - p) / width) * cost);
  let count = 0;
  for (let i = p; i < end; i++) if ((b[i] as number) < 128) count++;
  spend(count * cost);
}
