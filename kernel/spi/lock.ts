import { defineSpi } from "../core/spi.ts";

export interface AcquireOptions {
  /** How long to wait for it, in milliseconds. Default 0: only if it is free. */
  readonly waitMs?: number;
  /** How long others believe in an owner that is silent, in milliseconds, at least 100. Default 10 s. */
  readonly leaseMs?: number;
  /** Ends the wait: `acquire` then rejects with the reason. */
  readonly signal?: AbortSignal;
}

/** A lock that is held, and renewed until it is released or lost. */
export interface HeldLock {
  readonly name: string;
  /**
   * Greater than that of whoever had this lock before. Send it along to what the lock protects, and refuse there what comes
   * with a smaller one than seen before: an owner may be stopped, lose the lock, and go on without knowing.
   */
  readonly token: bigint;
  /** Aborted as soon as somebody else may have the lock: it could not be renewed in time. Not aborted by `release`. */
  readonly lost: AbortSignal;
  /** Gives it back. Harmless when repeated, or when it is lost. */
  release(): Promise<void>;
}

/** Lets one at a time do something, among all processes. */
export interface Lock {
  /**
   * Gives the lock, or undefined when somebody else has it for longer than the wait. Throws a StatusError: UNAVAILABLE when
   * the server could not be asked within the wait, INVALID_ARGUMENT for an empty name or a lease that is too short.
   */
  acquire(name: string, options?: AcquireOptions): Promise<HeldLock | undefined>;
}

export const lock = defineSpi<Lock>("lock", { kind: "one", fallback: "memory" });
