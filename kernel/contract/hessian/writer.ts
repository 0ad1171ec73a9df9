import type { ByteSink } from "../types.ts";
import { HessianDouble, HessianObject, type HessianValue } from "./value.ts";

const maxChunk = 0x8000;
const minuteMs = 60_000;
const eight = new Uint8Array(8);
const scratch = new DataView(eight.buffer);

/**
 * Writes Hessian 2.0 (hessian.caucho.com, "Hessian 2.0 Serialization Protocol") into a sink. One writer is one
 * stream: class definitions, type names and repeated objects are written once and referred to after.
 */
export class HessianWriter {
  readonly #sink: ByteSink;
  readonly #classes = new Map<string, number>();
  readonly #types = new Map<string, number>();
  readonly #seen = new Map<object, number>();
  #references = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Any value. Throws a RangeError for a bigint that does not fit 64 bits. */
  value(value: HessianValue): void {
    if (value === null || value === undefined) return this.null();
    switch (typeof value) {
      case "boolean":
        return this.bool(value);
      case "number":
        return isInt(value) ? this.int(value) : this.double(value);
      case "bigint":
        return this.long(value);
      case "string":
        return this.string(value);
      default:
        return this.#object(value);
    }
  }

  null(): void {
    this.#byte(0x4e);
  }

  bool(value: boolean): void {
    this.#byte(value ? 0x54 : 0x46);
  }

  /** A 32-bit integer. */
  int(value: number): void {
    if (value >= -0x10 && value <= 0x2f) return this.#byte(0x90 + value);
    if (value >= -0x800 && value <= 0x7ff) return this.#two(0xc8 + (value >> 8), value & 0xff);
    if (value >= -0x40000 && value <= 0x3ffff) {
      return this.#three(0xd4 + (value >> 16), (value >> 8) & 0xff, value & 0xff);
    }
    this.#byte(0x49);
    this.#int32(value);
  }

  /** A 64-bit integer. */
  long(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value)
      throw new RangeError(`${value} does not fit a Hessian long (64 bits, signed)`);
    if (value >= -0x8000_0000n && value <= 0x7fff_ffffn) return this.#shortLong(Number(value));
    this.#byte(0x4c);
    const at = this.#take(8);
    new DataView(this.#sink.buffer.buffer, this.#sink.buffer.byteOffset).setBigInt64(at, value);
  }

  double(value: number): void {
    if (Object.is(value, 0)) return this.#byte(0x5b);
    if (value === 1) return this.#byte(0x5c);
    if (Number.isInteger(value) && !Object.is(value, -0)) {
      if (value >= -0x80 && value <= 0x7f) return this.#two(0x5d, value & 0xff);
      if (value >= -0x8000 && value <= 0x7fff) return this.#three(0x5e, (value >> 8) & 0xff, value & 0xff);
    }
    const at = this.#take(9);
    const { buffer } = this.#sink;
    buffer[at] = 0x44;
    scratch.setFloat64(0, value);
    for (let i = 0; i < 8; i++) buffer[at + 1 + i] = eight[i] as number;
  }

  /** Milliseconds since 1970. */
  date(ms: number): void {
    if (ms % minuteMs === 0 && isInt(ms / minuteMs)) {
      this.#byte(0x4b);
      return this.#int32(ms / minuteMs);
    }
    this.#byte(0x4a);
    const at = this.#take(8);
    new DataView(this.#sink.buffer.buffer, this.#sink.buffer.byteOffset).setBigInt64(at, BigInt(ms));
  }

  /** Text. Characters beyond the basic plane are written as two surrogates of three bytes each, as Java's writer does. */
  string(value: string): void {
    let from = 0;
    while (value.length - from > maxChunk) {
      const last = value.charCodeAt(from + maxChunk - 1);
      const to = from + (last >= 0xd800 && last <= 0xdbff ? maxChunk - 1 : maxChunk); // a pair stays together
      this.#three(0x52, ((to - from) >> 8) & 0xff, (to - from) & 0xff);
      this.#chars(value, from, to);
      from = to;
    }
    const rest = value.length - from;
    if (rest <= 0x1f) this.#byte(rest);
    else if (rest <= 0x3ff) this.#two(0x30 + (rest >> 8), rest & 0xff);
    else this.#three(0x53, (rest >> 8) & 0xff, rest & 0xff);
    this.#chars(value, from, value.length);
  }

  binary(value: Uint8Array): void {
    let from = 0;
    while (value.length - from > maxChunk) {
      this.#three(0x41, maxChunk >> 8, maxChunk & 0xff);
      this.#raw(value.subarray(from, from + maxChunk));
      from += maxChunk;
    }
    const rest = value.subarray(from);
    if (rest.length <= 0x0f) this.#byte(0x20 + rest.length);
    else if (rest.length <= 0x3ff) this.#two(0x34 + (rest.length >> 8), rest.length & 0xff);
    else this.#three(0x42, (rest.length >> 8) & 0xff, rest.length & 0xff);
    this.#raw(rest);
  }

  /** Begins a list of known length; write its items after. */
  list(length: number, type?: string): void {
    this.#references++;
    if (type === undefined) {
      if (length <= 7) return this.#byte(0x78 + length);
      this.#byte(0x58);
      return this.int(length);
    }
    if (length <= 7) {
      this.#byte(0x70 + length);
      return this.#type(type);
    }
    this.#byte(0x56);
    this.#type(type);
    this.int(length);
  }

  /** Begins a map; write keys and values in turn, then `endMap`. */
  beginMap(type?: string): void {
    this.#references++;
    if (type === undefined) return this.#byte(0x48);
    this.#byte(0x4d);
    this.#type(type);
  }

  endMap(): void {
    this.#byte(0x5a);
  }

  /** Begins an object; write the values of these fields in this order. The same name must always have the same fields. */
  beginObject(className: string, fields: readonly string[]): void {
    this.#references++;
    let index = this.#classes.get(className);
    if (index === undefined) {
      index = this.#classes.size;
      this.#classes.set(className, index);
      this.#byte(0x43);
      this.string(className);
      this.int(fields.length);
      for (const field of fields) this.string(field);
    }
    if (index <= 0x0f) return this.#byte(0x60 + index);
    this.#byte(0x4f);
    this.int(index);
  }

  #object(value: Exclude<HessianValue, null | boolean | number | bigint | string>): void {
    if (value instanceof Date) return this.date(value.getTime());
    if (value instanceof Uint8Array) return this.binary(value);
    if (value instanceof HessianDouble) return this.double(value.value);
    const earlier = this.#seen.get(value);
    if (earlier !== undefined) {
      this.#byte(0x51);
      return this.int(earlier);
    }
    this.#seen.set(value, this.#references);
    if (Array.isArray(value)) {
      this.list(value.length, value.hessianType);
      for (const item of value) this.value(item);
    } else if (value instanceof Map) {
      this.beginMap(value.hessianType);
      for (const [key, item] of value) {
        this.value(key);
        this.value(item);
      }
      this.endMap();
    } else if (value instanceof HessianObject) {
      this.beginObject(value.className, [...value.fields.keys()]);
      for (const item of value.fields.values()) this.value(item);
    } else {
      throw new TypeError(
        "only null, boolean, number, bigint, string, Date, Uint8Array, arrays, Maps and HessianObjects can be written",
      );
    }
  }

  #shortLong(value: number): void {
    if (value >= -0x08 && value <= 0x0f) return this.#byte(0xe0 + value);
    if (value >= -0x800 && value <= 0x7ff) return this.#two(0xf8 + (value >> 8), value & 0xff);
    if (value >= -0x40000 && value <= 0x3ffff) {
      return this.#three(0x3c + (value >> 16), (value >> 8) & 0xff, value & 0xff);
    }
    this.#byte(0x59);
    this.#int32(value);
  }

  #type(type: string): void {
    const known = this.#types.get(type);
    if (known !== undefined) return this.int(known);
    this.#types.set(type, this.#types.size);
    this.string(type);
  }

  #chars(value: string, from: number, to: number): void {
    this.#sink.reserve((to - from) * 3);
    const { buffer } = this.#sink;
    let at = this.#sink.position;
    for (let i = from; i < to; i++) {
      const code = value.charCodeAt(i);
      if (code < 0x80) buffer[at++] = code;
      else if (code < 0x800) {
        buffer[at++] = 0xc0 | (code >> 6);
        buffer[at++] = 0x80 | (code & 0x3f);
      } else {
        buffer[at++] = 0xe0 | (code >> 12);
        buffer[at++] = 0x80 | ((code >> 6) & 0x3f);
        buffer[at++] = 0x80 | (code & 0x3f);
      }
    }
    this.#sink.position = at;
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#sink.buffer.set(bytes, at);
  }

  #int32(value: number): void {
    const at = this.#take(4);
    const { buffer } = this.#sink;
    buffer[at] = value >> 24;
    buffer[at + 1] = value >> 16;
    buffer[at + 2] = value >> 8;
    buffer[at + 3] = value;
  }

  #byte(byte: number): void {
    const at = this.#take(1);
    this.#sink.buffer[at] = byte;
  }

  #two(first: number, second: number): void {
    const at = this.#take(2);
    const { buffer } = this.#sink;
    buffer[at] = first;
    buffer[at + 1] = second;
  }

  #three(first: number, second: number, third: number): void {
    const at = this.#take(3);
    const { buffer } = this.#sink;
    buffer[at] = first;
    buffer[at + 1] = second;
    buffer[at + 2] = third;
  }

  #take(length: number): number {
    this.#sink.reserve(length);
    const at = this.#sink.position;
    this.#sink.position = at + length;
    return at;
  }
}

function isInt(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}
