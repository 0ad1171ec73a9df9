import { defineSpi } from "../core/spi.ts";

/**
 * Keeps bytes by key for a while. What is kept may be gone at any time. All methods reject, with whatever error, while the
 * cache cannot be reached.
 */
export interface Cache {
  /** What was kept under the key and has not expired. The bytes belong to the cache: never change them. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keeps a value for so many milliseconds, in place of another. */
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  /** Keeps a value only where there is none. Of several at the same time one alone succeeds. */
  add(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}

/** A policy chooses one by the field `cache`. */
export const cache = defineSpi<Cache>("cache", { kind: "named" });
