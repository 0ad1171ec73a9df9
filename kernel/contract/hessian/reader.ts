import { StatusError } from "../../call/status.ts";
import { type HessianList, type HessianMap, HessianObject, type HessianValue } from "./value.ts";

/** What reading one stream may cost. Beyond a limit it fails with INVALID_ARGUMENT. */
export interface HessianLimits {
  /** Values inside each other. Default 100. */
  readonly maxDepth: number;
  /** Values in all, references to earlier ones included. Default 4,000,000. */
  readonly maxValues: number;
}

export const hessianLimits: HessianLimits = Object.freeze({ maxDepth: 100, maxValues: 4_000_000 });

interface ClassDefinition {
  readonly name: string;
  readonly fields: readonly string[];
}

/**
 * Reads Hessian 2.0 from bytes, value by value. It makes plain values only: a class name is text, never looked up.
 * Whatever is wrong fails with a StatusError INVALID_ARGUMENT that says at which byte.
 */
export class HessianReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  readonly #limits: HessianLimits;
  readonly #classes: ClassDefinition[] = [];
  readonly #types: string[] = [];
  readonly #references: HessianValue[] = [];
  #at: number;
  #depth = 0;
  #values = 0;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, limits: HessianLimits = hessianLimits) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
    this.#limits = limits;
  }

  /** Where the next value begins. */
  get position(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next value, which must be text or null. */
  text(): string | null {
    const at = this.#at;
    const value = this.value();
    if (value === null || typeof value === "string") return value;
    throw invalid(at, "text was expected");
  }

  /** The next value, whatever it is. */
  value(): HessianValue {
    if (++this.#values > this.#limits.maxValues) throw invalid(this.#at, `more than ${this.#limits.maxValues} values`);
    if (this.#depth >= this.#limits.maxDepth)
      throw invalid(this.#at, `values nested deeper than ${this.#limits.maxDepth}`);
    this.#depth++;
    const value = this.#read(this.#byte());
    this.#depth--;
    return value;
  }

  #read(tag: number): HessianValue {
    if (tag <= 0x1f) return this.#chars(tag);
    if (tag >= 0x80) return this.#number(tag);
    if (tag <= 0x2f) return this.#binary(tag - 0x20);
    if (tag <= 0x33) return this.#chars(((tag - 0x30) << 8) | this.#byte());
    if (tag <= 0x37) return this.#binary(((tag - 0x34) << 8) | this.#byte());
    if (tag <= 0x3f) return BigInt(((tag - 0x3c) << 16) | (this.#byte() << 8) | this.#byte());
    if (tag >= 0x60) return this.#compound(tag);
    switch (tag) {
      case 0x4e:
        return null;
      case 0x54:
        return true;
      case 0x46:
        return false;
      case 0x49:
        return this.#view.getInt32(this.#take(4));
      case 0x4c:
        return this.#view.getBigInt64(this.#take(8));
      case 0x59:
        return BigInt(this.#view.getInt32(this.#take(4)));
      case 0x44:
        return this.#view.getFloat64(this.#take(8));
      case 0x5b:
        return 0;
      case 0x5c:
        return 1;
      case 0x5d:
        return this.#view.getInt8(this.#take(1));
      case 0x5e:
        return this.#view.getInt16(this.#take(2));
      case 0x5f:
        return this.#view.getInt32(this.#take(4)) / 1000;
      case 0x4a:
        return this.#date(this.#view.getBigInt64(this.#take(8)));
      case 0x4b:
        return new Date(this.#view.getInt32(this.#take(4)) * 60_000);
      case 0x52:
      case 0x53:
        return this.#chunkedText(tag);
      case 0x41:
      case 0x42:
        return this.#chunkedBinary(tag);
      case 0x48:
        return this.#map(undefined);
      case 0x4d:
        return this.#map(this.#type());
      case 0x55:
        return this.#openList(this.#type());
      case 0x57:
        return this.#openList(undefined);
      case 0x56:
        return this.#typedList(undefined);
      case 0x58:
        return this.#list(this.#length(), undefined);
      case 0x43:
        return this.#definition();
      case 0x4f:
        return this.#instance(this.#length());
      case 0x51:
        return this.#reference(this.#length());
      default:
        throw invalid(this.#at - 1, `0x${tag.toString(16)} begins no value`);
    }
  }

  #number(tag: number): HessianValue {
    if (tag <= 0xbf) return tag - 0x90;
    if (tag <= 0xcf) return ((tag - 0xc8) << 8) | this.#byte();
    if (tag <= 0xd7) return ((tag - 0xd4) << 16) | (this.#byte() << 8) | this.#byte();
    if (tag <= 0xef) return BigInt(tag - 0xe0);
    return BigInt(((tag - 0xf8) << 8) | this.#byte());
  }

  #compound(tag: number): HessianValue {
    if (tag <= 0x6f) return this.#instance(tag - 0x60);
    if (tag <= 0x77) return this.#typedList(tag - 0x70);
    return this.#list(tag - 0x78, undefined);
  }

  #date(ms: bigint): Date {
    const date = new Date(Number(ms));
    if (Number.isNaN(date.getTime())) throw invalid(this.#at - 8, "the date is out of range");
    return date;
  }

  #chunkedText(first: number): string {
    let text = "";
    for (let tag = first; ; tag = this.#byte()) {
      if (tag === 0x52) text += this.#chars(this.#view.getUint16(this.#take(2)));
      else if (tag === 0x53) return text + this.#chars(this.#view.getUint16(this.#take(2)));
      else if (tag <= 0x1f) return text + this.#chars(tag);
      else if (tag >= 0x30 && tag <= 0x33) return text + this.#chars(((tag - 0x30) << 8) | this.#byte());
      else throw invalid(this.#at - 1, "a chunk of text was expected");
    }
  }

  #chunkedBinary(first: number): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let tag = first; ; tag = this.#byte()) {
      if (tag === 0x41 || tag === 0x42) chunks.push(this.#binary(this.#view.getUint16(this.#take(2))));
      else if (tag >= 0x20 && tag <= 0x2f) chunks.push(this.#binary(tag - 0x20));
      else if (tag >= 0x34 && tag <= 0x37) chunks.push(this.#binary(((tag - 0x34) << 8) | this.#byte()));
      else throw invalid(this.#at - 1, "a chunk of bytes was expected");
      if (tag !== 0x41) return concat(chunks);
    }
  }

  #binary(length: number): Uint8Array {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length)); // a copy, and a plain array also where the bytes are a Buffer
  }

  /** `length` UTF-16 units. Both ways of writing characters beyond the basic plane are read: surrogates, and four bytes. */
  #chars(length: number): string {
    const bytes = this.#bytes;
    let at = this.#at;
    if (at + length > this.#end) throw this.#short();
    let text = "";
    for (let left = length; left > 0; left--) {
      const a = at < this.#end ? (bytes[at++] as number) : this.#shortByte();
      if (a < 0x80) text += String.fromCharCode(a);
      else if (a >= 0xc0 && a < 0xe0) text += String.fromCharCode(((a & 0x1f) << 6) | this.#more(at++));
      else if (a >= 0xe0 && a < 0xf0)
        text += String.fromCharCode(((a & 0x0f) << 12) | (this.#more(at++) << 6) | this.#more(at++));
      else if (a >= 0xf0 && a < 0xf5 && left > 1) {
        const code = ((a & 0x07) << 18) | (this.#more(at++) << 12) | (this.#more(at++) << 6) | this.#more(at++);
        if (code < 0x10000 || code > 0x10ffff) throw invalid(at - 4, "the text is not UTF-8");
        text += String.fromCodePoint(code);
        left--;
      } else throw invalid(at - 1, "the text is not UTF-8");
    }
    this.#at = at;
    return text;
  }

  #more(at: number): number {
    const byte = at < this.#end ? (this.#bytes[at] as number) : this.#shortByte();
    if ((byte & 0xc0) !== 0x80) throw invalid(at, "the text is not UTF-8");
    return byte & 0x3f;
  }

  #typedList(length: number | undefined): HessianValue {
    const type = this.#type();
    return this.#list(length ?? this.#length(), type);
  }

  #list(length: number, type: string | undefined): HessianValue {
    if (length > this.#end - this.#at)
      throw invalid(this.#at, `a list of ${length} cannot be in ${this.#end - this.#at} bytes`);
    const list = this.#newList(type);
    for (let i = 0; i < length; i++) list.push(this.value());
    return list;
  }

  #openList(type: string | undefined): HessianValue {
    const list = this.#newList(type);
    while (!this.#ends()) list.push(this.value());
    return list;
  }

  #newList(type: string | undefined): HessianList {
    const list: HessianList = [];
    if (type !== undefined) Object.defineProperty(list, "hessianType", { value: type });
    this.#references.push(list);
    return list;
  }

  #map(type: string | undefined): HessianValue {
    const map: HessianMap = new Map();
    if (type !== undefined) Object.defineProperty(map, "hessianType", { value: type });
    this.#references.push(map);
    while (!this.#ends()) {
      const key = this.value();
      map.set(key, this.value());
    }
    return map;
  }

  #ends(): boolean {
    if (this.done) throw this.#short();
    if (this.#bytes[this.#at] !== 0x5a) return false;
    this.#at++;
    return true;
  }

  #definition(): HessianValue {
    const name = this.text();
    const count = this.#length();
    if (name === null || count > this.#end - this.#at) throw invalid(this.#at, "the class definition is malformed");
    const fields: string[] = [];
    for (let i = 0; i < count; i++) fields.push(this.text() ?? "");
    this.#classes.push({ name, fields });
    return this.value();
  }

  #instance(index: number): HessianValue {
    const definition = this.#classes[index];
    if (!definition) throw invalid(this.#at, `class ${index} was not defined`);
    const object = new HessianObject(definition.name);
    this.#references.push(object);
    for (const field of definition.fields) object.fields.set(field, this.value());
    return object;
  }

  #reference(index: number): HessianValue {
    const value = this.#references[index];
    if (value === undefined) throw invalid(this.#at, `reference ${index} points at nothing`);
    return value;
  }

  #type(): string {
    const at = this.#at;
    const value = this.value();
    if (typeof value === "string") {
      this.#types.push(value);
      return value;
    }
    const known = typeof value === "number" ? this.#types[value] : undefined;
    if (known === undefined) throw invalid(at, "a type name was expected");
    return known;
  }

  #length(): number {
    const at = this.#at;
    const value = this.value();
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw invalid(at, "a length was expected");
    return value;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw this.#short();
    this.#at = at + length;
    return at;
  }

  #shortByte(): never {
    throw this.#short();
  }

  #short(): StatusError {
    return invalid(this.#end, "the bytes end in the middle of a value");
  }
}

function invalid(at: number, why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `hessian2, byte ${at}: ${why}`, { reason: "MALFORMED_BYTES" });
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
