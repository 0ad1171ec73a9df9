import { type Ports, StatusError } from "@mortise/kernel";

/**
 * SQLSTATEs, or their first letters, after which the same statement may succeed: the connection was lost or refused, the
 * server stops, starts, is full or only reads; locks or serialization stood in the way.
 */
const passingStates = ["08", "57", "53", "40", "55P03", "25006"];
/** What postgres.js and Node say of connections. */
const passingCodes = new Set([
  ...["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "CONNECT_TIMEOUT", "ECONNREFUSED", "ECONNRESET", "EPIPE"],
  ...["ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENOENT"],
]);
const sqlState = /^[0-9A-Z]{5}$/;
const firstPauseMs = 20;
const longestPauseMs = 500;

export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  if (passingCodes.has(code)) return true;
  return sqlState.test(code) && passingStates.some((state) => code.startsWith(state));
}

/**
 * Repeats what is idempotent until it is done: after a connection that was lost nobody knows whether its commit was. Rejects
 * with a StatusError: UNAVAILABLE after `forMs`, with what is known of it still unknown; INVALID_ARGUMENT for values that
 * PostgreSQL cannot keep; INTERNAL otherwise.
 */
export function repeating({ clock, timers, random }: Ports, forMs: number): <T>(work: () => Promise<T>) => Promise<T> {
  /** A connection may be silent for very long. */
  function within<T>(answer: Promise<T>, ms: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = timers.after(ms, () => reject(unavailable(new Error(`no answer within ${ms} ms`))));
    answer.then(resolve, reject).finally(() => timer.cancel());
    return promise;
  }

  return async (work) => {
    const until = clock.now() + forMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        return await within(work(), until - clock.now());
      } catch (error) {
        if (!isPassing(error)) throw asStatus(error);
        const left = until - clock.now();
        if (left <= 0) throw unavailable(error);
        await timers.sleep(Math.min(left, pauseMs * (0.5 + random() / 2)));
      }
    }
  };
}

function unavailable(cause: unknown): StatusError {
  return new StatusError("UNAVAILABLE", "the database of the transactions cannot be reached", { cause });
}

function asStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (codeOf(error).startsWith("22"))
    return new StatusError("INVALID_ARGUMENT", `this cannot be kept of a transaction: ${text}`, { cause: error });
  return new StatusError("INTERNAL", `the database of the transactions refuses: ${text}`, { cause: error });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}
