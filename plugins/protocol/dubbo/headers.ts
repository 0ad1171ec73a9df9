import { Buffer } from "node:buffer";
import { type Metadata, type MetadataValue, noMetadata, StatusError } from "@mortise/kernel";
import type { ByteSink } from "@mortise/kernel/contract";
import { readInt32, writeInt32 } from "./frame.ts";

// A block of headers in a lean body: its length in four bytes, then for each value
// one byte with the length of the name, the name, one byte 0 for text or 1 for bytes, four bytes with the length, the value.

const maxName = 255;
/** The longest block that is written or read, in bytes. */
export const maxBlock = 65_536;

/** Writes a block; `each` gives the values one after the other. Throws INVALID_ARGUMENT for more than fits into one. */
export function writeBlock(sink: ByteSink, each: (write: (name: string, value: MetadataValue) => void) => void): void {
  sink.reserve(4);
  const start = sink.position;
  sink.position += 4;
  each((name, value) => writeEntry(sink, name, value));
  const length = sink.position - start - 4;
  if (length > maxBlock) {
    const message = `the metadata cannot be sent: it has ${length} bytes, and ${maxBlock} are allowed`;
    throw new StatusError("INVALID_ARGUMENT", message, { neverSent: true });
  }
  writeInt32(sink.buffer, start, length);
}

/** Writes all of `metadata` as a block. */
export function writeMetadata(sink: ByteSink, metadata: Metadata): void {
  writeBlock(sink, (write) => {
    for (const name of metadata.names()) for (const value of metadata.getAll(name)) write(name, value);
  });
}

function writeEntry(sink: ByteSink, name: string, value: MetadataValue): void {
  if (name.length > maxName) {
    const message = `metadata "${name.slice(0, 40)}…" cannot be sent: its name is longer than ${maxName} characters`;
    throw new StatusError("INVALID_ARGUMENT", message, { neverSent: true });
  }
  const text = typeof value === "string";
  const bytes = text ? Buffer.from(value, "utf8") : value;
  sink.reserve(6 + name.length + bytes.length);
  const { buffer } = sink;
  let at = sink.position;
  buffer[at++] = name.length;
  for (let i = 0; i < name.length; i++) buffer[at++] = name.charCodeAt(i);
  buffer[at++] = text ? 0 : 1;
  writeInt32(buffer, at, bytes.length);
  buffer.set(bytes, at + 4);
  sink.position = at + 4 + bytes.length;
}

/** Reads a block that lies from `at` to `end`. Throws INVALID_ARGUMENT when it is malformed. */
export function readBlock(bytes: Buffer, from: number, end: number): Metadata {
  const values = new Map<string, MetadataValue[]>();
  for (let at = from; at < end; ) {
    const nameEnd = at + 1 + (bytes[at] as number);
    if (nameEnd + 5 > end) throw malformedBody("its headers are cut off");
    const name = bytes.toString("latin1", at + 1, nameEnd);
    const length = readInt32(bytes, nameEnd + 1);
    const start = nameEnd + 5;
    if (length < 0 || length > end - start) throw malformedBody("its headers are cut off");
    const text = bytes[nameEnd] === 0;
    const value = text
      ? bytes.toString("utf8", start, start + length)
      : new Uint8Array(bytes.subarray(start, start + length));
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
    at = start + length;
  }
  return values.size === 0 ? noMetadata : new ReceivedMetadata(values);
}

/** Text and bytes that came in; nobody has checked the names. */
export class ReceivedMetadata implements Metadata {
  readonly #values: ReadonlyMap<string, readonly MetadataValue[]>;

  constructor(values: ReadonlyMap<string, readonly MetadataValue[]>) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    const value = this.#values.get(name)?.at(-1);
    return typeof value === "string" ? value : undefined;
  }

  getBytes(name: string): Uint8Array | undefined {
    const value = this.#values.get(name)?.at(-1);
    return value instanceof Uint8Array ? value : undefined;
  }

  getAll(name: string): readonly MetadataValue[] {
    return this.#values.get(name) ?? [];
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }
}

/** The error for a body that is not what it should be. */
export function malformedBody(why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `the body of a frame is malformed: ${why}`, { reason: "MALFORMED_BYTES" });
}
