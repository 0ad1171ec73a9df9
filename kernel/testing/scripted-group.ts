import type { Call, Reply } from "../call/call.ts";
import { noMetadata } from "../call/metadata.ts";
import type { StatusError } from "../call/status.ts";
import { orCancelled } from "../call/stream.ts";
import type { Ports } from "../core/ports.ts";
import type { Group } from "../spi/cluster.ts";
import type { Instance } from "../spi/instance.ts";

/** How one attempt goes. */
export interface ScriptedAttempt {
  readonly tookMs: number;
  /** Nothing: it succeeds. */
  readonly error?: StatusError;
}

/** An attempt that was made. */
export interface MadeAttempt {
  /** Monotonic milliseconds at which it began. */
  readonly at: number;
  readonly call: Call;
  readonly instance: Instance;
  readonly candidates: readonly Instance[];
}

export interface ScriptedGroup extends Group {
  readonly made: readonly MadeAttempt[];
}

/**
 * A group for tests of clusters: attempts go as the script says, by number from 0, and end early when their context is
 * cancelled, as those of a protocol do. The instances take turns. A reply carries `{ text: <id of the instance> }`.
 */
export function scriptedGroup(
  instances: readonly Instance[],
  script: (number: number, instance: Instance) => ScriptedAttempt,
  { clock, timers }: Pick<Ports, "clock" | "timers">,
): ScriptedGroup {
  const made: MadeAttempt[] = [];
  return {
    made,
    candidates: () => instances,
    async attempt(call, candidates, onPick): Promise<Reply> {
      const number = made.length;
      const instance = candidates[number % candidates.length] as Instance;
      onPick?.(instance);
      made.push({ at: clock.now(), call, instance, candidates });
      const { tookMs, error } = script(number, instance);
      await orCancelled(timers.sleep(tookMs), call.context);
      if (error) throw error;
      return { response: { text: instance.id }, headers: noMetadata, trailers: () => noMetadata };
    },
  };
}
