import type { Call, Invoker, Reply } from "./call.ts";
import { going } from "./call.ts";
import { watchStream } from "./stream.ts";

/** Told once how a call ended; nothing when it went well. */
export type Over = (error?: unknown) => void;

/** Calls on and tells when the call is over, which for a stream is after its last message. */
export function goingUntilOver(next: Invoker, call: Call, over: Over): Promise<Reply> {
  const { kind } = call.method;
  const streams = kind === "server-stream" || kind === "bidi-stream";
  return going(next, call).then(
    (reply) => {
      if (streams) return { ...reply, response: watchStream(reply.response as AsyncIterable<unknown>, over) };
      over();
      return reply;
    },
    (error: unknown) => {
      over(error);
      throw error;
    },
  );
}
