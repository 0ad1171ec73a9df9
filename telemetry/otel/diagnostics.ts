import type { Clock, Log } from "@mortise/kernel";
import type { DiagLogger } from "@opentelemetry/api";

/** The same complaint is not repeated for this long, in milliseconds. */
const quietMs = 60_000;

/** Hands warnings and errors of the SDK to our log; one that comes again and again is written once a minute. */
export function diagnostics(log: Log, clock: Clock): DiagLogger {
  const saidAt = new Map<string, number>();

  function say(level: "warn" | "error", given: string, details: unknown[]): void {
    const message = shortened(given);
    const now = clock.now();
    if (now < (saidAt.get(message) ?? Number.NEGATIVE_INFINITY) + quietMs) return;
    if (saidAt.size > 100) saidAt.clear();
    saidAt.set(message, now);
    log[level](`telemetry/otel: ${message}`, details.length > 0 ? { details } : {});
  }

  const nothing = () => undefined;
  return {
    error: (message, ...details) => say("error", message, details),
    warn: (message, ...details) => say("warn", message, details),
    info: nothing,
    debug: nothing,
    verbose: nothing,
  };
}

/** The SDK writes errors as JSON with their stack; people want the message. */
function shortened(message: string): string {
  try {
    const { message: text, code } = JSON.parse(message) as { readonly message?: string; readonly code?: string };
    return text || code || message;
  } catch {
    return message;
  }
}
