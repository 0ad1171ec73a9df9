import type { Clock } from "../../core/ports.ts";
import type { Redeliver } from "./backoff.ts";

export interface ResendsOptions extends Redeliver {
  /** So many branches are sent again to one participant within `redeliverMs`. */
  readonly redeliverAtOnce: number;
}

/**
 * Bounds what this process sends again over the bus. Most of what is not acknowledged is not lost but waits behind other
 * messages, and each repetition makes that wait longer: however much is open, a participant is sent no more than so many
 * again in a while, and that while doubles for as long as it says nothing at all.
 */
export interface Resends {
  /** Whether one more branch may be sent again to the participant now. */
  take(participant: string): boolean;
  /** The participant has acknowledged something. */
  heard(participant: string): void;
}

interface Window {
  left: number;
  readonly endsAt: number;
  readonly lengthMs: number;
  heard: boolean;
}

export function resends(
  { redeliverMs, maxRedeliverMs, redeliverAtOnce }: ResendsOptions,
  clock: Pick<Clock, "now">,
): Resends {
  const windows = new Map<string, Window>();

  function current(participant: string): Window {
    const now = clock.now();
    const last = windows.get(participant);
    if (last && now < last.endsAt) return last;
    const lengthMs = !last || last.heard ? redeliverMs : Math.min(last.lengthMs * 2, maxRedeliverMs);
    const next = { left: redeliverAtOnce, endsAt: now + lengthMs, lengthMs, heard: false };
    windows.set(participant, next);
    return next;
  }

  return {
    take(participant) {
      const window = current(participant);
      if (window.left === 0) return false;
      window.left--;
      return true;
    },
    heard(participant) {
      const window = windows.get(participant);
      if (window) window.heard = true;
    },
  };
}
