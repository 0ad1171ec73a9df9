import { type Metadata, StatusError, statusCodes, statusData, statusFromData, statusName } from "@mortise/kernel";
import type { MsgHdrs } from "nats";
import { SentHeaders } from "./metadata.ts";

/** The headers by which NATS's service protocol tells an error (its ADR-32). */
const errorHeader = "Nats-Service-Error";
const codeHeader = "Nats-Service-Error-Code";
const maxHeaderChars = 500;

/** An answer that is an error: its code and text in headers as NATS's services tell them, all of it as JSON. */
export interface ErrorAnswer {
  readonly headers: SentHeaders;
  readonly body: Uint8Array;
}

/** Writes an error into at most `maxBytes`; what does not fit is left out, the message last. */
export function writeError(error: StatusError, maxBytes: number): ErrorAnswer {
  const headers = new SentHeaders();
  headers.put(errorHeader, shortText(error.message) || error.code);
  headers.put(codeHeader, `${statusCodes[error.code]}`);
  try {
    headers.putTrailers(error.trailers);
  } catch {
    // the error itself matters more
  }
  const data = statusData(error);
  const { details: _, ...rest } = data;
  const room = maxBytes - headers.bytes;
  const attempts = [data, rest, { code: data.code, message: `${data.message.slice(0, 1000).toWellFormed()}…` }];
  const bytes = attempts.map((one) => Buffer.from(JSON.stringify(one))).find(({ length }) => length <= room);
  return { headers, body: bytes ?? new Uint8Array() };
}

/** The error an answer tells; nothing if it is none. */
export function readError(headers: MsgHdrs | undefined, body: Uint8Array, trailers: Metadata): StatusError | undefined {
  const number = headers?.get(codeHeader);
  if (number === undefined || number === "") return undefined;
  const known = parsed(body) ?? { code: statusName(Number(number)), message: headers?.get(errorHeader) };
  return statusFromData(known, trailers);
}

function parsed(body: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
    return typeof value === "object" && value !== null && "code" in value ? value : undefined;
  } catch {
    return undefined;
  }
}

function shortText(message: string): string {
  return message
    .slice(0, maxHeaderChars)
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim();
}

/** The error for somebody whose part of the call has ended without an answer. */
export function unavailable(message: string, neverSent = false): StatusError {
  return new StatusError("UNAVAILABLE", message, { neverSent });
}
