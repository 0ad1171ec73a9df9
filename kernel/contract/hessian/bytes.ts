import { StatusError } from "../../call/status.ts";
import { readText } from "../codec/read-text.ts";

/** Where a reader is in its bytes, and what both versions of Hessian have in common below their values. */
export class HessianBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  binary(length: number): Uint8Array {
    const at = this.take(length);
    return new Uint8Array(this.bytes.subarray(at, at + length)); // a copy, and a plain array also where the bytes are a Buffer
  }

  /** `length` UTF-16 units. Both ways of writing characters beyond the basic plane are read: surrogates, and four bytes. */
  chars(length: number): string {
    const bytes = this.bytes;
    let at = this.at;
    if (at + length > this.end) throw this.short();
    let seen = 0;
    for (let i = at; i < at + length; i++) seen |= bytes[i] as number;
    if (seen < 0x80) {
      this.at = at + length;
      return readText(bytes, at, this.at); // ASCII, as most texts are
    }
    let text = "";
    for (let left = length; left > 0; left--) {
      const a = at < this.end ? (bytes[at++] as number) : this.#shortByte();
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
    this.at = at;
    return text;
  }

  #more(at: number): number {
    const byte = at < this.end ? (this.bytes[at] as number) : this.#shortByte();
    if ((byte & 0xc0) !== 0x80) throw invalid(at, "the text is not UTF-8");
    return byte & 0x3f;
  }

  byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  take(length: number): number {
    const at = this.at;
    if (at + length > this.end) throw this.short();
    this.at = at + length;
    return at;
  }

  #shortByte(): never {
    throw this.short();
  }

  short(): StatusError {
    return invalid(this.end, "the bytes end in the middle of a value");
  }
}

/** What bytes that are no Hessian fail with. */
export function invalid(at: number, why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `hessian, byte ${at}: ${why}`, { reason: "MALFORMED_BYTES" });
}
