import { StatusError } from "@mortise/kernel";
import { PackTime, type PackValue } from "./writer.ts";

const maxDepth = 100;
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads one MessagePack value that fills the bytes from `start` to `end`. Fails with INVALID_ARGUMENT and the byte where
 * they are wrong. A length that the bytes cannot hold is refused before anything is allocated for it.
 */
export function readPack(bytes: Uint8Array, start: number, end: number): PackValue {
  const reader = new PackReader(bytes, start, end);
  const value = reader.value(0);
  if (reader.at !== end) throw malformed(reader.at, "bytes follow the value");
  return value;
}

class PackReader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.#end = end;
  }

  value(depth: number): PackValue {
    if (depth > maxDepth) throw malformed(this.at, `values nest deeper than ${maxDepth}`);
    const tag = this.#uint(1);
    if (tag <= 0x7f) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    if (tag <= 0x8f) return this.#map(tag & 0x0f, depth);
    if (tag <= 0x9f) return this.#list(tag & 0x0f, depth);
    if (tag <= 0xbf) return this.#text(tag & 0x1f);
    return this.#tagged(tag, depth);
  }

  #tagged(tag: number, depth: number): PackValue {
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#view.getFloat32(this.#take(4));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8));
      case 0xcf:
        return this.#view.getBigUint64(this.#take(8));
      case 0xd3:
        return this.#view.getBigInt64(this.#take(8));
    }
    if (tag >= 0xcc && tag <= 0xce) return this.#uint(1 << (tag - 0xcc));
    if (tag >= 0xd0 && tag <= 0xd2) return this.#int(1 << (tag - 0xd0));
    if (tag >= 0xc4 && tag <= 0xc6) return this.#binary(this.#uint(1 << (tag - 0xc4)));
    if (tag >= 0xc7 && tag <= 0xc9) return this.#extension(this.#uint(1 << (tag - 0xc7)));
    if (tag >= 0xd4 && tag <= 0xd8) return this.#extension(1 << (tag - 0xd4));
    if (tag >= 0xd9 && tag <= 0xdb) return this.#text(this.#uint(1 << (tag - 0xd9)));
    if (tag === 0xdc || tag === 0xdd) return this.#list(this.#uint(tag === 0xdc ? 2 : 4), depth);
    if (tag === 0xde || tag === 0xdf) return this.#map(this.#uint(tag === 0xde ? 2 : 4), depth);
    throw malformed(this.at - 1, `0x${tag.toString(16)} begins no value`);
  }

  #list(length: number, depth: number): PackValue {
    this.#fits(length);
    const list: PackValue[] = [];
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1));
    return list;
  }

  #map(size: number, depth: number): PackValue {
    this.#fits(size * 2);
    const map = new Map<PackValue, PackValue>();
    for (let i = 0; i < size; i++) {
      const key = this.value(depth + 1);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  #text(length: number): string {
    const at = this.#take(length);
    try {
      return text.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw malformed(at, "the text is not UTF-8");
    }
  }

  #binary(length: number): Uint8Array {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** The three forms of the extension type timestamp; no other extension is known. */
  #extension(length: number): PackTime {
    const type = this.#view.getInt8(this.#take(1));
    const at = this.#take(length);
    if (type === -1 && length === 4) return new PackTime(BigInt(this.#view.getUint32(at)), 0);
    if (type === -1 && length === 8) {
      const both = this.#view.getBigUint64(at);
      return new PackTime(both & 0x3_ffff_ffffn, Number(both >> 34n));
    }
    if (type === -1 && length === 12) return new PackTime(this.#view.getBigInt64(at + 4), this.#view.getUint32(at));
    throw malformed(at, `extension type ${type} of ${length} bytes is not known`);
  }

  #uint(size: number): number {
    const at = this.#take(size);
    return size === 1 ? this.#view.getUint8(at) : size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #int(size: number): number {
    const at = this.#take(size);
    return size === 1 ? this.#view.getInt8(at) : size === 2 ? this.#view.getInt16(at) : this.#view.getInt32(at);
  }

  #take(length: number): number {
    this.#fits(length);
    const at = this.at;
    this.at = at + length;
    return at;
  }

  #fits(atLeast: number): void {
    if (atLeast > this.#end - this.at) throw malformed(this.#end, "the bytes end in the middle of a value");
  }
}

function malformed(at: number, why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `msgpack, byte ${at}: ${why}`, { reason: "MALFORMED_BYTES" });
}
