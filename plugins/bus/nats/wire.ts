import type { Msg } from "nats";

/** What the server tells about one delivery, in the subject to answer to. */
export interface Told {
  /** Deliveries of this message to the group, this one included. */
  readonly count: number;
  /** Its number in the stream. */
  readonly sequence: number;
  /** The same in every delivery of it, and never that of another, also where a stream was made again: number and time. */
  readonly name: string;
}

/** Answers a delivery, in JetStream's words (docs.nats.io, "Acknowledgement models"). */
export const answers = {
  done: (message: Msg) => message.respond("+ACK"),
  /** Not again, ever. */
  giveUp: (message: Msg) => message.respond("+TERM"),
  /** Still at it: the wait for an answer begins anew. */
  busy: (message: Msg) => message.respond("+WPI"),
  again: (message: Msg, afterMs: number) => message.respond(`-NAK ${JSON.stringify({ delay: afterMs * 1_000_000 })}`),
} as const;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<count>.<sequence>.…`, or the longer form of newer servers with domain and account
 * before the stream and one more at the end.
 */
export function told(reply: string): Told {
  const tokens = reply.split(".");
  const at = tokens.length >= 11 ? 6 : 4;
  const [count, sequence, , time = ""] = tokens.slice(at);
  return { count: Number(count), sequence: Number(sequence), name: `${sequence}@${time}` };
}
