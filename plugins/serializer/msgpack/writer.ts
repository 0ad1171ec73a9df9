import type { ByteSink } from "@mortise/kernel/contract";

/** A value as MessagePack knows it. Numbers that are to be doubles whatever their value are wrapped. */
export type PackValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Float
  | PackTime
  | readonly PackValue[]
  | PackMap;

export interface PackMap extends ReadonlyMap<PackValue, PackValue> {}

/** A number that is written as a float 64. Reading gives plain numbers. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** The extension type timestamp (-1): seconds since 1970 and nanoseconds after them. */
export class PackTime {
  readonly seconds: bigint;
  readonly nanos: number;

  constructor(seconds: bigint, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

const text = new TextEncoder();

/** Writes one value in the shortest form of the MessagePack specification (msgpack.org, version 5 with timestamps). */
export function writePack(sink: ByteSink, value: PackValue): void {
  if (value === null) return byte(sink, 0xc0);
  switch (typeof value) {
    case "boolean":
      return byte(sink, value ? 0xc3 : 0xc2);
    case "number":
      return value >= 0 && value <= 0x7f ? byte(sink, value) : integer(sink, BigInt(value));
    case "bigint":
      return integer(sink, value);
    case "string":
      return writeText(sink, value);
    default:
      return writeObject(sink, value);
  }
}

function writeObject(sink: ByteSink, value: Exclude<PackValue, null | boolean | number | bigint | string>): void {
  if (value instanceof Float) {
    byte(sink, 0xcb);
    return view(sink, 8, (data, at) => data.setFloat64(at, value.value));
  }
  if (value instanceof PackTime) return writeTime(sink, value);
  if (value instanceof Uint8Array) {
    header(sink, value.length, [undefined, 0xc4, 0xc5, 0xc6]);
    return raw(sink, value);
  }
  if (value instanceof Map) return writeMap(sink, value);
  const items = value as readonly PackValue[];
  header(sink, items.length, [{ tag: 0x90, below: 16 }, undefined, 0xdc, 0xdd]);
  for (const item of items) writePack(sink, item);
}

function writeMap(sink: ByteSink, map: PackMap): void {
  header(sink, map.size, [{ tag: 0x80, below: 16 }, undefined, 0xde, 0xdf]);
  for (const [key, item] of map) {
    writePack(sink, key);
    writePack(sink, item);
  }
}

function integer(sink: ByteSink, value: bigint): void {
  if (value >= 0n) return unsigned(sink, value);
  if (value >= -32n) return byte(sink, Number(value) & 0xff);
  if (value >= -0x80n) return tagged(sink, 0xd0, 1, (data, at) => data.setInt8(at, Number(value)));
  if (value >= -0x8000n) return tagged(sink, 0xd1, 2, (data, at) => data.setInt16(at, Number(value)));
  if (value >= -0x8000_0000n) return tagged(sink, 0xd2, 4, (data, at) => data.setInt32(at, Number(value)));
  tagged(sink, 0xd3, 8, (data, at) => data.setBigInt64(at, value));
}

function unsigned(sink: ByteSink, value: bigint): void {
  if (value <= 0x7fn) return byte(sink, Number(value));
  if (value <= 0xffn) return tagged(sink, 0xcc, 1, (data, at) => data.setUint8(at, Number(value)));
  if (value <= 0xffffn) return tagged(sink, 0xcd, 2, (data, at) => data.setUint16(at, Number(value)));
  if (value <= 0xffff_ffffn) return tagged(sink, 0xce, 4, (data, at) => data.setUint32(at, Number(value)));
  tagged(sink, 0xcf, 8, (data, at) => data.setBigUint64(at, value));
}

function writeText(sink: ByteSink, value: string): void {
  const bytes = text.encode(value);
  header(sink, bytes.length, [{ tag: 0xa0, below: 32 }, 0xd9, 0xda, 0xdb]);
  raw(sink, bytes);
}

function writeTime(sink: ByteSink, { seconds, nanos }: PackTime): void {
  byte(sink, 0xc7);
  byte(sink, 12);
  byte(sink, 0xff);
  view(sink, 4, (data, at) => data.setUint32(at, nanos));
  view(sink, 8, (data, at) => data.setBigInt64(at, seconds));
}

type Header = readonly [
  fixed: { readonly tag: number; readonly below: number } | undefined,
  byte8: number | undefined,
  byte16: number,
  byte32: number,
];

function header(sink: ByteSink, length: number, [fixed, tag8, tag16, tag32]: Header): void {
  if (fixed && length < fixed.below) return byte(sink, fixed.tag | length);
  if (tag8 !== undefined && length <= 0xff) return tagged(sink, tag8, 1, (data, at) => data.setUint8(at, length));
  if (length <= 0xffff) return tagged(sink, tag16, 2, (data, at) => data.setUint16(at, length));
  tagged(sink, tag32, 4, (data, at) => data.setUint32(at, length));
}

function tagged(sink: ByteSink, tag: number, bytes: number, write: (data: DataView, at: number) => void): void {
  byte(sink, tag);
  view(sink, bytes, write);
}

function view(sink: ByteSink, bytes: number, write: (data: DataView, at: number) => void): void {
  sink.reserve(bytes);
  const { buffer, position } = sink;
  write(new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength), position);
  sink.position = position + bytes;
}

function byte(sink: ByteSink, value: number): void {
  sink.reserve(1);
  sink.buffer[sink.position++] = value;
}

function raw(sink: ByteSink, bytes: Uint8Array): void {
  sink.reserve(bytes.length);
  sink.buffer.set(bytes, sink.position);
  sink.position += bytes.length;
}
