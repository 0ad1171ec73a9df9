import type { Timers } from "../core/ports.ts";
import type { Count } from "./provider.ts";

/** Counts requests being handled, and tells when there are none. */
export interface Activity extends Count {
  readonly size: number;
  /** Resolves when nothing is being handled, at the latest after `withinMs`. */
  quiet(withinMs: number): Promise<void>;
}

export function activity(timers: Timers): Activity {
  let size = 0;
  let waiting: (() => void)[] = [];
  return {
    enter() {
      size++;
    },
    leave() {
      size--;
      if (size > 0 || waiting.length === 0) return;
      const told = waiting;
      waiting = [];
      for (const tell of told) tell();
    },
    get size() {
      return size;
    },
    async quiet(withinMs) {
      if (size === 0) return;
      const enough = new AbortController();
      const idle = new Promise<void>((resolve) => waiting.push(resolve));
      await Promise.race([idle, timers.sleep(withinMs, enough.signal).catch(() => undefined)]);
      enough.abort();
    },
  };
}
