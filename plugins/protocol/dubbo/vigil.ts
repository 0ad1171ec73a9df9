import type { Ports, Timer } from "@mortise/kernel";

/** A connection that is watched for silence. `heard` and `spoke` are set as often as something comes or goes. */
export interface Watched {
  heard: boolean;
  spoke: boolean;
  /** When the vigil has last noticed either, in monotonic milliseconds. */
  heardAt: number;
  spokeAt: number;
  /** Asks the peer whether it is there. Only connections that probe have it. */
  beat?(): void;
  /** Nothing has come for too long. */
  expire(): void;
}

export interface VigilTimes {
  readonly heartbeatMs: number;
  readonly idleMs: number;
}

/** Watches connections, all with one timer that runs while there are any. */
export interface Vigil {
  add(watched: Watched): void;
  remove(watched: Watched): void;
}

/** Dubbo looks three times per heartbeat, and at most once a second (HeartbeatTimerTask). */
const looksPerHeartbeat = 3;
const leastMs = 1000;

export function vigil({ heartbeatMs, idleMs }: VigilTimes, { clock, timers }: Pick<Ports, "clock" | "timers">): Vigil {
  const all = new Set<Watched>();
  let timer: Timer | undefined;

  function look(): void {
    const now = clock.now();
    for (const one of all) {
      if (one.heard) one.heardAt = now;
      if (one.spoke) one.spokeAt = now;
      one.heard = one.spoke = false;
      if (now - one.heardAt >= idleMs) one.expire();
      else if (one.beat && now - Math.min(one.heardAt, one.spokeAt) >= heartbeatMs) one.beat();
    }
  }

  return {
    add(watched) {
      watched.heardAt = watched.spokeAt = clock.now();
      all.add(watched);
      timer ??= timers.every(Math.max(leastMs, Math.floor(heartbeatMs / looksPerHeartbeat)), look);
    },
    remove(watched) {
      all.delete(watched);
      if (all.size > 0) return;
      timer?.cancel();
      timer = undefined;
    },
  };
}
