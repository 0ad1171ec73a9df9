import { Buffer } from "node:buffer";
import { noMetadata, type Reply, type StatusError, statusData } from "@mortise/kernel";
import type { ByteSink, Codec } from "@mortise/kernel/contract";
import type { HessianValue } from "@mortise/kernel/hessian";
import { frameStatus } from "./frame.ts";
import { writeException, writeMessage, writeResult } from "./hessian-body.ts";
import { writeReplyHead } from "./lean.ts";
import { hessianSerial } from "./serials.ts";
import { frameStatusOf } from "./status.ts";

/** How the answer to a request is written. */
export interface Dialect {
  readonly serial: number;
  /** Throws what the codec throws for a response that does not fit its type. */
  writeReply(sink: ByteSink, reply: Reply): void;
  /** Gives the status of the frame. */
  writeError(sink: ByteSink, error: StatusError): number;
}

/** Answers to requests of Mortise processes; without an output there is nothing but errors to be told. */
export function leanDialect(serial: number, output?: Codec<unknown>): Dialect {
  return {
    serial,
    writeReply(sink, { response, headers, trailers }) {
      writeReplyHead(sink, headers, trailers());
      output?.encodeInto(response, sink);
    },
    writeError(sink, error) {
      writeReplyHead(sink, noMetadata, error.trailers);
      const json = Buffer.from(JSON.stringify(statusData(error)), "utf8");
      sink.reserve(json.length);
      sink.buffer.set(json, sink.position);
      sink.position += json.length;
      return frameStatusOf(error);
    },
  };
}

/** What a request of Dubbo 2 is answered with that was never understood: a status and a text. */
export const plainDialect: Dialect = {
  serial: hessianSerial,
  writeReply: () => undefined,
  writeError(sink, error) {
    writeMessage(sink, error.message);
    return frameStatusOf(error);
  },
};

/**
 * Answers to requests of Dubbo 2.
 * @param resultOf the value that a response stands for
 * @param exceptions Java exceptions by reason
 * @param attach whether the peer understands attachments of responses
 */
export function hessianDialect(
  resultOf: (response: unknown) => HessianValue,
  exceptions: Readonly<Record<string, string>>,
  attach: boolean,
): Dialect {
  return {
    serial: hessianSerial,
    writeReply: (sink, { response, headers, trailers }) =>
      writeResult(sink, resultOf(response), headers, trailers(), attach),
    writeError(sink, error) {
      if (error.neverSent) return plainDialect.writeError(sink, error);
      writeException(sink, error, exceptions, attach);
      return frameStatus.ok;
    },
  };
}
