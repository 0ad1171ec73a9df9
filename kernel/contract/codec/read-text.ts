import { Buffer } from "node:buffer";
import { fail } from "./fault.ts";

/** Up to this many bytes a text is put together here, in half the time of a call into the runtime. */
const longestShort = 16;

/** The text between two positions. Fails when it is not UTF-8. */
export function readText(b: Uint8Array, p: number, end: number): string {
  const size = end - p;
  if (size > longestShort) return readLongText(b, p, end);
  let seen = 0;
  for (let i = p; i < end; i++) seen |= b[i] as number;
  return seen < 128 ? shortAscii(b, p, size) : readLongText(b, p, end);
}

const text = String.fromCharCode as (...units: (number | undefined)[]) => string;

// biome-ignore format: one line per size
function shortAscii(b: Uint8Array, p: number, size: number): string {
  switch (size) {
    case 0: return "";
    case 1: return text(b[p]);
    case 2: return text(b[p], b[p + 1]);
    case 3: return text(b[p], b[p + 1], b[p + 2]);
    case 4: return text(b[p], b[p + 1], b[p + 2], b[p + 3]);
    case 5: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4]);
    case 6: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5]);
    case 7: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6]);
    case 8: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7]);
    case 9: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8]);
    case 10: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9]);
    case 11: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10]);
    case 12: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11]);
    case 13: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12]);
    case 14: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13]);
    case 15: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14]);
    case 16: return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15]);
    default: return readLongText(b, p, p + size);
  }
}

type Slice = (this: Uint8Array, start: number, end: number) => string;

/** Node's own reading of UTF-8 needs no Buffer to be made of plain bytes first. */
const native = (Buffer.prototype as { utf8Slice?: Slice }).utf8Slice;
const slice: Slice =
  native ??
  function (this: Uint8Array, start, end) {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString("utf8", start, end);
  };

const replacement = "\ufffd";

function readLongText(b: Uint8Array, p: number, end: number): string {
  const text = slice.call(b, p, end);
  if (text.includes(replacement)) checkText(b, p, end);
  return text;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A replacement character stands for itself or for bytes that are not UTF-8. */
function checkText(b: Uint8Array, p: number, end: number): void {
  try {
    strict.decode(b.subarray(p, end));
  } catch {
    fail("the text is not valid UTF-8");
  }
}
