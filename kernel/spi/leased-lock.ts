import { StatusError } from "../call/status.ts";
import type { Running } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { AcquireOptions, HeldLock, Lock } from "./lock.ts";

/** A lock as a server keeps it. `owner` is unique for every acquisition. */
export interface LockClaim {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
}

/** A server that lends locks. */
export interface LockServer {
  /**
   * Takes a lock that nobody has, whose lease has ended, or that this very claim has taken without hearing of it; gives a new
   * token. Undefined when somebody has it.
   */
  take(claim: LockClaim): Promise<bigint | undefined>;
  /** Lends it for another lease from now on; false when it is no longer ours. */
  renew(claim: LockClaim): Promise<boolean>;
  /** Frees it if it is still ours. */
  release(claim: LockClaim): Promise<void>;
  close(): Promise<void> | void;
}

const defaultLeaseMs = 10_000;
const shortestLeaseMs = 100;
/** How long a waiting one pauses between two attempts at most, in milliseconds. */
const pauseMs = 100;

/**
 * Locks over a server that lends them. Leases are measured from before a request is sent, so an owner never believes in its
 * lock for longer than the server.
 */
export function leasedLock(server: LockServer, { clock, timers, ids, random }: Ports): Running<Lock> {
  const held = new Set<HeldLock>();
  let stopped = false;

  /** One attempt. A server that cannot be asked, or answers after the lease, is an error to try again. */
  async function attempt(claim: LockClaim): Promise<HeldLock | undefined> {
    const askedAt = clock.now();
    const token = await inTime(server.take(claim), claim.leaseMs).catch((cause: unknown) => {
      throw new StatusError("UNAVAILABLE", `the lock ${claim.name} cannot be asked for`, { cause });
    });
    if (stopped)
      throw new StatusError("UNAVAILABLE", `the lock ${claim.name} is not lent any more: this process stops`);
    return token === undefined ? undefined : hold(claim, token, askedAt);
  }

  function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = timers.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
    answer.then(resolve, reject).finally(() => timer.cancel());
    return promise;
  }

  function hold(claim: LockClaim, token: bigint, askedAt: number): HeldLock {
    const { name, leaseMs } = claim;
    const losing = new AbortController();
    let over = false;
    let end = timers.after(askedAt + leaseMs - clock.now(), lose);
    const renewal = timers.every(leaseMs / 3, () => void renew().catch(() => undefined)); // until the lease ends

    async function renew(): Promise<void> {
      const at = clock.now();
      const still = await server.renew(claim);
      if (over) return;
      if (!still) return lose();
      end.cancel();
      end = timers.after(at + leaseMs - clock.now(), lose);
    }

    function lose(): void {
      if (!finish()) return;
      losing.abort(new StatusError("ABORTED", `the lock ${name} is lost`));
    }

    /** True the first time. */
    function finish(): boolean {
      if (over) return false;
      over = true;
      renewal.cancel();
      end.cancel();
      held.delete(one);
      return true;
    }

    const one: HeldLock = {
      name,
      token,
      lost: losing.signal,
      async release() {
        if (finish()) await server.release(claim).catch(() => undefined); // then its lease ends
      },
    };
    held.add(one);
    return one;
  }

  async function acquire(name: string, options: AcquireOptions = {}): Promise<HeldLock | undefined> {
    const { waitMs = 0, leaseMs = defaultLeaseMs, signal } = options;
    check(name, leaseMs);
    const until = clock.now() + waitMs;
    const claim = { name, owner: ids.uuid(), leaseMs };
    for (;;) {
      signal?.throwIfAborted();
      const got = await attempt(claim).catch((error: unknown) => {
        if (stopped || clock.now() >= until) throw error;
        return undefined;
      });
      if (got && signal?.aborted) await got.release();
      else if (got) return got;
      const left = until - clock.now();
      if (left <= 0) return undefined;
      await timers.sleep(Math.min(left, pauseMs * (0.5 + random() / 2)), signal);
    }
  }

  return {
    api: { acquire },
    async stop() {
      stopped = true;
      await Promise.all(Array.from(held, (one) => one.release()));
      await server.close();
    },
  };
}

function check(name: string, leaseMs: number): void {
  if (name === "") throw new StatusError("INVALID_ARGUMENT", "a lock needs a name");
  if (!(leaseMs >= shortestLeaseMs))
    throw new StatusError(
      "INVALID_ARGUMENT",
      `the lease of the lock ${name} is ${leaseMs} ms; at least ${shortestLeaseMs}`,
    );
}
