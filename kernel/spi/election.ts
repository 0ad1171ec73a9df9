import type { Log } from "../core/plugin.ts";
import type { Timers } from "../core/ports.ts";
import type { HeldLock, Lock } from "./lock.ts";

/** The time in which this process leads. */
export interface Term {
  /** Greater than that of every leader before: the fencing token of the lock. */
  readonly token: bigint;
  /** Aborted when somebody else may lead, or when the candidate withdraws. */
  readonly signal: AbortSignal;
}

export interface ElectionOptions {
  /** The name of the lock that the leader holds. */
  readonly name: string;
  /** How long a leader that is silent is believed in, in milliseconds. */
  readonly leaseMs: number;
  /** Leads until the signal is aborted. When it returns or throws before, somebody else may lead. */
  lead(term: Term): Promise<void>;
}

/** Somebody who stands for election until it withdraws. */
export interface Candidate {
  readonly leading: boolean;
  /** Ends the term, waits until `lead` has returned, and lets others lead. */
  withdraw(): Promise<void>;
}

/** How long a candidate waits after an error, and after a term of its own, so that others get a turn, in milliseconds. */
const pauseMs = 500;

/** Stands for election again and again: of all candidates of the same name, at most one leads. */
export function standForElection(
  lock: Lock,
  { name, leaseMs, lead }: ElectionOptions,
  { timers }: { readonly timers: Timers },
  log: Log,
): Candidate {
  const withdrawn = new AbortController();
  const { signal } = withdrawn;
  let leading = false;

  async function stand(): Promise<void> {
    while (!signal.aborted) {
      const held = await elected();
      if (held) await serve(held);
      await timers.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  async function elected(): Promise<HeldLock | undefined> {
    try {
      return await lock.acquire(name, { waitMs: leaseMs, leaseMs, signal });
    } catch (error) {
      if (!signal.aborted) log.debug(`the election of ${name} cannot be held yet`, { error });
      return undefined;
    }
  }

  async function serve(held: HeldLock): Promise<void> {
    leading = true;
    try {
      await lead({ token: held.token, signal: AbortSignal.any([held.lost, signal]) });
    } catch (error) {
      if (!signal.aborted && !held.lost.aborted) log.error(`the leader of ${name} has failed`, { error });
    } finally {
      leading = false;
      await held.release();
    }
  }

  const done = stand();
  return {
    get leading() {
      return leading;
    },
    async withdraw() {
      withdrawn.abort(new Error(`the candidate for ${name} withdraws`));
      await done;
    },
  };
}
