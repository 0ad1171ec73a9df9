import type { Buffer } from "node:buffer";
import type { ByteSink } from "@mortise/kernel/contract";
import { eventFlag, headerBytes, requestFlag, serialMask, twoWayFlag, writeHeader } from "./frame.ts";
import { hessianSerial } from "./serials.ts";

/** What the body of an event says; Dubbo knows the first three, and passes over all others. */
export type EventKind = "heartbeat" | "readOnly" | "writable" | "cancel" | "late" | "farewell";

// Written as Hessian: null, or a string of one character.
const bodies: Readonly<Record<EventKind, Uint8Array>> = {
  heartbeat: Uint8Array.of(0x4e),
  /** Nothing is to be sent any more: the peer is shutting down (HeaderExchangeServer). */
  readOnly: Uint8Array.of(0x01, 0x52),
  writable: Uint8Array.of(0x01, 0x57),
  /** The caller has given up the call whose id the frame has. Among Mortise processes. */
  cancel: Uint8Array.of(0x01, 0x43),
  /** The same, because its deadline has passed. */
  late: Uint8Array.of(0x01, 0x44),
  /** All that was accepted has been answered: what is unanswered has been seen by nobody. Among Mortise processes. */
  farewell: Uint8Array.of(0x01, 0x45),
};

const kindOfLetter: ReadonlyMap<string, EventKind> = new Map([
  ["R", "readOnly"],
  ["W", "writable"],
  ["C", "cancel"],
  ["D", "late"],
  ["E", "farewell"],
]);

/** Longer bodies of events are nothing we know (Dubbo reads at most 50 bytes). */
const longestEvent = 50;

/** What an event says, by its last letter, which is the same in every serialization that Dubbo uses for events. */
export function eventKind(bytes: Uint8Array, start: number, end: number): EventKind {
  if (end - start < 2 || end - start > longestEvent) return "heartbeat";
  return kindOfLetter.get(String.fromCharCode(bytes[end - 1] as number)) ?? "heartbeat";
}

/** Writes an event; a heartbeat asks for an answer. */
export function writeEvent(sink: ByteSink, kind: EventKind, idHigh: number, idLow: number): void {
  const body = bodies[kind];
  const flags = requestFlag | eventFlag | hessianSerial | (kind === "heartbeat" ? twoWayFlag : 0);
  put(sink, flags, 0, idHigh, idLow, body);
}

/** Answers an event with what it said, in the serialization it came in. */
export function answerEvent(sink: ByteSink, bytes: Buffer, at: number, end: number, ok: number): void {
  const serial = (bytes[at + 2] as number) & serialMask;
  const body = bytes.subarray(at + headerBytes, Math.min(end, at + headerBytes + longestEvent));
  put(sink, eventFlag | serial, ok, bytes.readInt32BE(at + 4), bytes.readInt32BE(at + 8), body);
}

function put(sink: ByteSink, flags: number, status: number, idHigh: number, idLow: number, body: Uint8Array): void {
  sink.reserve(headerBytes + body.length);
  const at = sink.position;
  writeHeader(sink.buffer, at, flags, status, idHigh, idLow, body.length);
  sink.buffer.set(body, at + headerBytes);
  sink.position = at + headerBytes + body.length;
}
