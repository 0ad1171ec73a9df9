import type { Call } from "../call/call.ts";
import { StatusError } from "../call/status.ts";
import type { Method } from "../contract/types.ts";

/**
 * Whether a request may be sent again, of a call that has time left: it provably never left, or doing it twice does no
 * harm and may help.
 * @param timed whether the attempt had a time of its own, so that its DEADLINE_EXCEEDED is not the call's
 */
export function mayRepeat({ facts }: Method, timed: boolean, error: unknown): error is StatusError {
  if (!(error instanceof StatusError)) return false;
  const attemptTimedOut = timed && error.code === "DEADLINE_EXCEEDED";
  return error.neverSent || (facts.idempotent && (error.retryable || attemptTimedOut));
}

/** Full jitter: any wait up to `backoffMs`, doubled with every retry, but not beyond `maxBackoffMs`. */
export function backoff(retry: number, backoffMs: number, maxBackoffMs: number, random: number): number {
  return random * Math.min(maxBackoffMs, backoffMs * 2 ** (retry - 1));
}

/** A call whose stream of requests, if it has one, tells whether somebody has begun to read it. */
export interface Repeatable {
  readonly call: Call;
  /** A stream that was read from is gone: the call cannot be made again. */
  readonly used: () => boolean;
}

const unused = () => false;

export function repeatable(call: Call): Repeatable {
  const { kind } = call.method;
  if (kind !== "client-stream" && kind !== "bidi-stream") return { call, used: unused };
  const source = call.request as AsyncIterable<unknown>;
  let used = false;
  const request: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]() {
      used = true;
      return source[Symbol.asyncIterator]();
    },
  };
  return { call: { ...call, request }, used: () => used };
}
