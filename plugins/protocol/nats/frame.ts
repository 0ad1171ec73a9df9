import { StatusError } from "@mortise/kernel";

/** What a message of NATS that is neither a request nor a plain answer says; numbers are on the wire. */
export const frameKinds = { part: 1, message: 2, end: 3, credit: 4, cancel: 5 } as const;

export type FrameKind = keyof typeof frameKinds;

/**
 * One step of a call: a byte for its kind, its number among those of its direction (4 bytes), then
 * - `part`, `message`: bytes of a message; a part is followed by more
 * - `end`: nothing
 * - `credit`: how many bytes more may be sent (4 bytes)
 * - `cancel`: why, as gRPC's number of the code (1 byte)
 */
export interface Frame {
  readonly kind: FrameKind;
  readonly sequence: number;
  readonly body: Uint8Array;
}

export const frameHeadBytes = 5;
const names = new Map<number, FrameKind>(
  Object.entries(frameKinds).map(([name, number]) => [number, name as FrameKind]),
);
const bodyBytes: Partial<Readonly<Record<FrameKind, number>>> = { end: 0, credit: 4, cancel: 1 };
const nothing = new Uint8Array();

export function encodeFrame(kind: FrameKind, sequence: number, body: Uint8Array = nothing): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + body.length);
  bytes[0] = frameKinds[kind];
  writeUint32(bytes, 1, sequence);
  bytes.set(body, frameHeadBytes);
  return bytes;
}

/** Reads a frame over the same memory. Throws a StatusError INVALID_ARGUMENT for bytes that are none. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const kind = names.get(bytes[0] ?? 0);
  if (kind === undefined || bytes.length < frameHeadBytes) throw malformed("the bytes are no step of a call");
  const body = bytes.subarray(frameHeadBytes);
  const length = bodyBytes[kind];
  if (length !== undefined && body.length !== length)
    throw malformed(`a step "${kind}" has ${length} bytes, not ${body.length}`);
  return { kind, sequence: readUint32(bytes, 1), body };
}

/** A number of 4 bytes as the body of a frame. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer).setUint32(at, value);
}

export function malformed(why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `protocol/nats: ${why}`, { reason: "MALFORMED_BYTES" });
}
