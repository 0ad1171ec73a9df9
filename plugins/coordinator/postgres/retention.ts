import type { Log, Ports, Timer } from "@mortise/kernel";
import { removeEnded } from "./queries.ts";
import type { Sql } from "./records.ts";

const everyMs = 60_000;
const batch = 1000;

/** How long what has ended is kept, in milliseconds. */
export function keptMs({ retentionDays }: { readonly retentionDays: number }): number {
  return retentionDays * 86_400_000;
}

/** Removes what has ended long ago, every minute, in batches; rows another process removes at that moment are left to it. */
export function keepRemoving(sql: Sql, days: number, { timers }: Ports, log: Log): Timer {
  let busy = false;
  let stopped = false;

  async function remove(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      while (!stopped && (await removeEnded(sql, days, batch)) === batch);
    } catch (error) {
      log.warn("ended transactions could not be removed; tried again in a minute", { error });
    } finally {
      busy = false;
    }
  }

  const timer = timers.every(everyMs, () => void remove());
  return {
    cancel() {
      stopped = true;
      timer.cancel();
    },
  };
}
