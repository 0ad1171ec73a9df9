import type { Clock } from "@mortise/kernel";

/** The calls this process has kept and of which it has not heard that they are over. */
export interface Pending {
  /** Whether there is room for one more. */
  readonly room: boolean;
  add(id: string): void;
  over(id: string): void;
}

/**
 * @param max calls at a time
 * @param forgottenAfterMs another process of the same group may have made the call: after this long it counts as over
 */
export function pendingCalls(max: number, forgottenAfterMs: number, { now }: Clock): Pending {
  const addedAt = new Map<string, number>(); // oldest first

  function forget(): void {
    for (const [id, at] of addedAt) {
      if (now() - at < forgottenAfterMs) return;
      addedAt.delete(id);
    }
  }

  return {
    get room() {
      if (addedAt.size >= max) forget();
      return addedAt.size < max;
    },
    add: (id) => void addedAt.set(id, now()),
    over: (id) => void addedAt.delete(id),
  };
}
