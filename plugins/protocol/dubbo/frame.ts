import type { Buffer } from "node:buffer";

/** Bytes of the header of every frame (Dubbo 2 protocol). */
export const headerBytes = 16;
const magicHigh = 0xda;
const magicLow = 0xbb;

/** Bits of the third byte, beside the id of the serialization in the lower five. */
export const requestFlag = 0x80;
export const twoWayFlag = 0x40;
export const eventFlag = 0x20;
export const serialMask = 0x1f;

/** What responses say in the fourth byte. */
export const frameStatus = Object.freeze({
  ok: 20,
  serializationError: 25,
  clientTimeout: 30,
  serverTimeout: 31,
  channelInactive: 35,
  badRequest: 40,
  badResponse: 50,
  serviceNotFound: 60,
  serviceError: 70,
  serverError: 80,
  clientError: 90,
  poolExhausted: 100,
});

/** Writes a header at `at`; the id is in two halves, as it is only compared. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  flags: number,
  status: number,
  idHigh: number,
  idLow: number,
  length: number,
): void {
  bytes[at] = magicHigh;
  bytes[at + 1] = magicLow;
  bytes[at + 2] = flags;
  bytes[at + 3] = status;
  writeInt32(bytes, at + 4, idHigh);
  writeInt32(bytes, at + 8, idLow);
  writeInt32(bytes, at + 12, length);
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** Whether a header can begin here; below two bytes only as far as they go. */
export function beginsFrame(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === magicHigh && (at + 1 >= end || bytes[at + 1] === magicLow);
}

/** A frame where it lies; `bytes` is valid only during the call that hands it over. */
export interface FrameHandler {
  /** `at` is where the header begins; the body lies from `at + headerBytes` to `end`. */
  frame(bytes: Buffer, at: number, end: number): void;
  /** A frame whose body is longer than the limit. Its header begins at `at`; the body is thrown away as it comes. */
  oversized(bytes: Buffer, at: number, length: number): void;
  /** The peer does not speak Dubbo; nothing more is read. */
  malformed(why: string): void;
}
