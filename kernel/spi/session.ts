import type { Schema } from "../core/schema.ts";
import { defineSpi } from "../core/spi.ts";

/** What one sort of sessions holds, and how long it lasts. */
export interface SessionKind<D> {
  /** Keeps sorts apart: an id of one is none of another. */
  readonly name: string;
  /** Checks data whenever they are written and read. They are kept as JSON. */
  readonly schema: Schema<D>;
  /** A session that is not used for so long is over, in milliseconds; 0: only `maxMs` counts. */
  readonly idleMs: number;
  /** A session is over after so long however much it is used, in milliseconds; regenerating does not make it longer. */
  readonly maxMs: number;
}

/** A session as it was when it was read. */
export interface Session<D> {
  /** 256 random bits. Whoever knows it has the session, so no server keeps it, but its digest. */
  readonly id: string;
  readonly data: D;
  /** Grows with every change of the data. */
  readonly revision: number;
  /** In milliseconds since 1970, like all times here. */
  readonly createdAt: number;
  /** When it is over unless it is used before. */
  readonly expiresAt: number;
  /** When it is over in any case. */
  readonly endsAt: number;
}

/**
 * Keeps sessions. Methods that are given an id answer undefined when there is no such session any more. They reject with
 * UNAVAILABLE while the server is away, and with INVALID_ARGUMENT for data their kind's schema refuses.
 */
export interface Sessions {
  create<D>(kind: SessionKind<D>, data: D): Promise<Session<D>>;
  /** Reads a session, which counts as use of it. Data that no longer fit the schema are no session. */
  get<D>(kind: SessionKind<D>, id: string): Promise<Session<D> | undefined>;
  /**
   * Changes the data. `change` is given the newest and called again when somebody else has changed them meanwhile, so no change
   * is lost; it must do nothing else.
   */
  update<D>(kind: SessionKind<D>, id: string, change: (data: D) => D): Promise<Session<D> | undefined>;
  /** Changes the data if they are still those that were read. Rejects with ABORTED, reason SESSION_CHANGED, if not. */
  replace<D>(kind: SessionKind<D>, read: Session<D>, data: D): Promise<Session<D> | undefined>;
  /** Gives the session another id, and ends the old one: after a login, so that an id known before is worth nothing. */
  regenerate<D>(kind: SessionKind<D>, id: string, change?: (data: D) => D): Promise<Session<D> | undefined>;
  /** Harmless when repeated. */
  destroy<D>(kind: SessionKind<D>, id: string): Promise<void>;
}

export const session = defineSpi<Sessions>("session", { kind: "one", fallback: "memory" });
