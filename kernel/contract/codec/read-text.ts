import { Buffer } from "node:buffer";
import { fail } from "./fault.ts";

/** Up to this many bytes a text is put together here, in half the time of a call into the runtime. */
const longestShort = 20;

/** The text between two positions. Fails when it is not UTF-8. */
export function readText(b: Uint8Array, p: number, end: number): string {
  const size = end - p;
  if (size > longestShort) return readLongText(b, p, end);
  return readAscii(b, p, size) ?? readLongText(b, p, end);
}

/** A text of `size` bytes; nothing if they are not all ASCII. */
type ReadAscii = (b: Uint8Array, p: number, size: number) => string | undefined;

const sizes = Array.from({ length: longestShort + 1 }, (_, size) => size);
const units = sizes.map((size) => Array.from({ length: size }, () => 0));

const loop: ReadAscii = (b, p, size) => {
  const into = units[size] as number[];
  let seen = 0;
  for (let i = 0; i < size; i++) {
    const unit = b[p + i] as number;
    seen |= unit;
    into[i] = unit;
  }
  return seen < 128 ? String.fromCharCode(...into) : undefined;
};

/** The loop written out for each size, which takes two thirds of its time; the loop where code from text is forbidden. */
function unrolled(): ReadAscii {
  const cases = sizes.map((size) => {
    const names = Array.from({ length: size }, (_, i) => `u${i}`);
    const read = names.map((name, i) => `const ${name} = b[p + ${i}];`).join(" ");
    const seen = ["0", ...names].join(" | ");
    return `case ${size}: { ${read} return (${seen}) < 128 ? String.fromCharCode(${names.join(", ")}) : undefined; }`;
  });
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- the source is made of numbers only
    return new Function("b", "p", "size", `"use strict"; switch (size) {\n${cases.join("\n")}\n}`) as ReadAscii;
  } catch (error) {
    if (error instanceof EvalError) return loop;
    throw error;
  }
}

const readAscii = unrolled();

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
