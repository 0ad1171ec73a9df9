import { HessianBytes, invalid } from "./bytes.ts";
import { type HessianLimits, hessianLimits } from "./reader.ts";
import { type HessianList, type HessianMap, HessianObject, type HessianValue } from "./value.ts";

const tags = Object.freeze({ type: 0x74, length: 0x6c, end: 0x7a });

/**
 * Reads values of Hessian 1.0 (hessian.caucho.com, "Hessian 1.0.2 Specification"), in which older clients make their
 * calls. What has the type of a class is a {@link HessianObject}. Whatever is wrong fails with INVALID_ARGUMENT.
 */
export class FirstHessianReader {
  readonly #in: HessianBytes;
  readonly #limits: HessianLimits;
  readonly #references: HessianValue[] = [];
  #depth = 0;
  #values = 0;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, limits: HessianLimits = hessianLimits) {
    this.#in = new HessianBytes(bytes, start, end);
    this.#limits = limits;
  }

  get position(): number {
    return this.#in.at;
  }

  /** Whether the list, map or call that is being read ends here; goes on behind its end. */
  ends(): boolean {
    return this.#skip(tags.end);
  }

  /** A text of which only the length and the characters are written. */
  bareText(): string {
    return this.#in.chars(this.#in.view.getUint16(this.#in.take(2)));
  }

  value(): HessianValue {
    const { maxValues, maxDepth } = this.#limits;
    if (++this.#values > maxValues) throw invalid(this.#in.at, `more than ${maxValues} values`);
    if (this.#depth >= maxDepth) throw invalid(this.#in.at, `values nested deeper than ${maxDepth}`);
    this.#depth++;
    const value = this.#read(String.fromCharCode(this.#in.byte()));
    this.#depth--;
    return value;
  }

  #read(tag: string): HessianValue {
    const { view } = this.#in;
    switch (tag) {
      case "N":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      case "I":
        return view.getInt32(this.#in.take(4));
      case "L":
        return view.getBigInt64(this.#in.take(8));
      case "D":
        return view.getFloat64(this.#in.take(8));
      case "d":
        return this.#date();
      case "s":
      case "S":
      case "x":
      case "X":
        return this.#text(tag);
      case "b":
      case "B":
        return this.#binary(tag);
      case "V":
        return this.#list();
      case "M":
        return this.#map();
      case "R":
        return this.#reference(view.getInt32(this.#in.take(4)));
      default:
        throw invalid(this.#in.at - 1, `"${tag}" begins no value of Hessian 1`);
    }
  }

  #date(): Date {
    const date = new Date(Number(this.#in.view.getBigInt64(this.#in.take(8))));
    if (Number.isNaN(date.getTime())) throw invalid(this.#in.at - 8, "the date is out of range");
    return date;
  }

  /** Pieces have small letters, the last one has a capital. */
  #text(first: string): string {
    let text = "";
    for (let tag = first; ; tag = String.fromCharCode(this.#in.byte())) {
      if (!"sSxX".includes(tag)) throw invalid(this.#in.at - 1, "a chunk of text was expected");
      text += this.bareText();
      if (tag === "S" || tag === "X") return text;
    }
  }

  #binary(first: string): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let tag = first; ; tag = String.fromCharCode(this.#in.byte())) {
      if (tag !== "b" && tag !== "B") throw invalid(this.#in.at - 1, "a chunk of bytes was expected");
      chunks.push(this.#in.binary(this.#in.view.getUint16(this.#in.take(2))));
      if (tag === "B") return chunks.length === 1 ? (chunks[0] as Uint8Array) : new Uint8Array(Buffer.concat(chunks));
    }
  }

  #list(): HessianList {
    const list: HessianList = [];
    const type = this.#type();
    if (type !== "") Object.defineProperty(list, "hessianType", { value: type });
    if (this.#skip(tags.length)) this.#in.take(4); // the end is marked as well
    this.#references.push(list);
    while (!this.ends()) list.push(this.value());
    return list;
  }

  #map(): HessianValue {
    const type = this.#type();
    if (type !== "" && !type.startsWith("java.util.")) return this.#object(new HessianObject(type));
    const map: HessianMap = new Map();
    if (type !== "") Object.defineProperty(map, "hessianType", { value: type });
    this.#references.push(map);
    while (!this.ends()) {
      const key = this.value();
      map.set(key, this.value());
    }
    return map;
  }

  #object(object: HessianObject): HessianObject {
    this.#references.push(object);
    while (!this.ends()) {
      const at = this.#in.at;
      const name = this.value();
      if (typeof name !== "string") throw invalid(at, "the name of a field was expected");
      object.fields.set(name, this.value());
    }
    return object;
  }

  #type(): string {
    return this.#skip(tags.type) ? this.bareText() : "";
  }

  #reference(index: number): HessianValue {
    const value = this.#references[index];
    if (value === undefined) throw invalid(this.#in.at, `reference ${index} points at nothing`);
    return value;
  }

  #skip(tag: number): boolean {
    if (this.#in.at >= this.#in.end) throw this.#in.short();
    if (this.#in.bytes[this.#in.at] !== tag) return false;
    this.#in.at++;
    return true;
  }
}
