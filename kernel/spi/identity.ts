import type { Call } from "../call/call.ts";
import type { Caller } from "../call/context.ts";
import type { MetadataInit } from "../call/metadata.ts";
import { StatusError } from "../call/status.ts";
import { defineSpi } from "../core/spi.ts";

/** Tells who calls: at the client by credentials, at the provider by checking them. */
export interface Identity {
  /**
   * The headers that prove who calls, fresh for every attempt; nothing where this process has no credentials of its own.
   * Rejects with a StatusError when they cannot be made.
   */
  attest(call: Call): MetadataInit | undefined | Promise<MetadataInit | undefined>;
  /** Who made the call that came in. Throws or rejects with UNAUTHENTICATED when that is not proved. */
  verify(call: Call): Caller | Promise<Caller>;
}

/** A policy chooses one by the field `identity`; without it nobody proves anything. */
export const identity = defineSpi<Identity>("identity", { kind: "named" });

/**
 * Why a caller was not believed.
 * - `NO_CREDENTIALS`: there are none of this kind
 * - `BAD_CREDENTIALS`: malformed, of an unknown key, wrongly signed, or for something else
 * - `EXPIRED_CREDENTIALS`: too old, or from the future
 * - `REPLAYED_CREDENTIALS`: good for one call, and seen before
 */
export type Unproved = "NO_CREDENTIALS" | "BAD_CREDENTIALS" | "EXPIRED_CREDENTIALS" | "REPLAYED_CREDENTIALS";

/** The refusal of a caller. The message is shown to whoever calls, so it never says what would have been right. */
export function unauthenticated(reason: Unproved, message: string): StatusError {
  return new StatusError("UNAUTHENTICATED", message, { reason });
}
