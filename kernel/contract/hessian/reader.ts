import { HessianBytes, invalid } from "./bytes.ts";
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
  readonly #in: HessianBytes;
  readonly #limits: HessianLimits;
  readonly #classes: ClassDefinition[] = [];
  readonly #types: string[] = [];
  readonly #references: HessianValue[] = [];
  #depth = 0;
  #values = 0;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, limits: HessianLimits = hessianLimits) {
    this.#in = new HessianBytes(bytes, start, end);
    this.#limits = limits;
  }

  /** Where the next value begins. */
  get position(): number {
    return this.#in.at;
  }

  get done(): boolean {
    return this.#in.at >= this.#in.end;
  }

  /** The next value, which must be text or null. */
  text(): string | null {
    const at = this.#in.at;
    const value = this.value();
    if (value === null || typeof value === "string") return value;
    throw invalid(at, "text was expected");
  }

  /** The next value, whatever it is. */
  value(): HessianValue {
    if (++this.#values > this.#limits.maxValues)
      throw invalid(this.#in.at, `more than ${this.#limits.maxValues} values`);
    if (this.#depth >= this.#limits.maxDepth)
      throw invalid(this.#in.at, `values nested deeper than ${this.#limits.maxDepth}`);
    this.#depth++;
    const value = this.#read(this.#in.byte());
    this.#depth--;
    return value;
  }

  #read(tag: number): HessianValue {
    if (tag <= 0x1f) return this.#in.chars(tag);
    if (tag >= 0x80) return this.#number(tag);
    if (tag <= 0x2f) return this.#in.binary(tag - 0x20);
    if (tag <= 0x33) return this.#in.chars(((tag - 0x30) << 8) | this.#in.byte());
    if (tag <= 0x37) return this.#in.binary(((tag - 0x34) << 8) | this.#in.byte());
    if (tag <= 0x3f) return BigInt(((tag - 0x3c) << 16) | (this.#in.byte() << 8) | this.#in.byte());
    if (tag >= 0x60) return this.#compound(tag);
    switch (tag) {
      case 0x4e:
        return null;
      case 0x54:
        return true;
      case 0x46:
        return false;
      case 0x49:
        return this.#in.view.getInt32(this.#in.take(4));
      case 0x4c:
        return this.#in.view.getBigInt64(this.#in.take(8));
      case 0x59:
        return BigInt(this.#in.view.getInt32(this.#in.take(4)));
      case 0x44:
        return this.#in.view.getFloat64(this.#in.take(8));
      case 0x5b:
        return 0;
      case 0x5c:
        return 1;
      case 0x5d:
        return this.#in.view.getInt8(this.#in.take(1));
      case 0x5e:
        return this.#in.view.getInt16(this.#in.take(2));
      case 0x5f:
        return this.#in.view.getInt32(this.#in.take(4)) / 1000;
      case 0x4a:
        return this.#date(this.#in.view.getBigInt64(this.#in.take(8)));
      case 0x4b:
        return new Date(this.#in.view.getInt32(this.#in.take(4)) * 60_000);
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
        throw invalid(this.#in.at - 1, `0x${tag.toString(16)} begins no value`);
    }
  }

  #number(tag: number): HessianValue {
    if (tag <= 0xbf) return tag - 0x90;
    if (tag <= 0xcf) return ((tag - 0xc8) << 8) | this.#in.byte();
    if (tag <= 0xd7) return ((tag - 0xd4) << 16) | (this.#in.byte() << 8) | this.#in.byte();
    if (tag <= 0xef) return BigInt(tag - 0xe0);
    return BigInt(((tag - 0xf8) << 8) | this.#in.byte());
  }

  #compound(tag: number): HessianValue {
    if (tag <= 0x6f) return this.#instance(tag - 0x60);
    if (tag <= 0x77) return this.#typedList(tag - 0x70);
    return this.#list(tag - 0x78, undefined);
  }

  #date(ms: bigint): Date {
    const date = new Date(Number(ms));
    if (Number.isNaN(date.getTime())) throw invalid(this.#in.at - 8, "the date is out of range");
    return date;
  }

  #chunkedText(first: number): string {
    let text = "";
    for (let tag = first; ; tag = this.#in.byte()) {
      if (tag === 0x52) text += this.#in.chars(this.#in.view.getUint16(this.#in.take(2)));
      else if (tag === 0x53) return text + this.#in.chars(this.#in.view.getUint16(this.#in.take(2)));
      else if (tag <= 0x1f) return text + this.#in.chars(tag);
      else if (tag >= 0x30 && tag <= 0x33) return text + this.#in.chars(((tag - 0x30) << 8) | this.#in.byte());
      else throw invalid(this.#in.at - 1, "a chunk of text was expected");
    }
  }

  #chunkedBinary(first: number): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let tag = first; ; tag = this.#in.byte()) {
      if (tag === 0x41 || tag === 0x42) chunks.push(this.#in.binary(this.#in.view.getUint16(this.#in.take(2))));
      else if (tag >= 0x20 && tag <= 0x2f) chunks.push(this.#in.binary(tag - 0x20));
      else if (tag >= 0x34 && tag <= 0x37) chunks.push(this.#in.binary(((tag - 0x34) << 8) | this.#in.byte()));
      else throw invalid(this.#in.at - 1, "a chunk of bytes was expected");
      if (tag !== 0x41) return concat(chunks);
    }
  }

  #typedList(length: number | undefined): HessianValue {
    const type = this.#type();
    return this.#list(length ?? this.#length(), type);
  }

  #list(length: number, type: string | undefined): HessianValue {
    if (length > this.#in.end - this.#in.at)
      throw invalid(this.#in.at, `a list of ${length} cannot be in ${this.#in.end - this.#in.at} bytes`);
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
    if (this.done) throw this.#in.short();
    if (this.#in.bytes[this.#in.at] !== 0x5a) return false;
    this.#in.at++;
    return true;
  }

  #definition(): HessianValue {
    const name = this.text();
    const count = this.#length();
    if (name === null || count > this.#in.end - this.#in.at)
      throw invalid(this.#in.at, "the class definition is malformed");
    const fields: string[] = [];
    for (let i = 0; i < count; i++) fields.push(this.text() ?? "");
    this.#classes.push({ name, fields });
    return this.value();
  }

  #instance(index: number): HessianValue {
    const definition = this.#classes[index];
    if (!definition) throw invalid(this.#in.at, `class ${index} was not defined`);
    const object = new HessianObject(definition.name);
    this.#references.push(object);
    for (const field of definition.fields) object.fields.set(field, this.value());
    return object;
  }

  #reference(index: number): HessianValue {
    const value = this.#references[index];
    if (value === undefined) throw invalid(this.#in.at, `reference ${index} points at nothing`);
    return value;
  }

  #type(): string {
    const at = this.#in.at;
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
    const at = this.#in.at;
    const value = this.value();
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw invalid(at, "a length was expected");
    return value;
  }
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
