import type { Cache, Clock } from "@mortise/kernel";

interface Entry {
  readonly value: Uint8Array;
  readonly until: number;
  readonly bytes: number;
}

/** What an entry costs besides its key and value, roughly, in bytes. */
const overhead = 128;

/**
 * Keeps `maxBytes` at most; beyond it what was used longest ago is forgotten. A value that alone is larger is not kept.
 */
export function memoryCache(maxBytes: number, { now }: Clock): Cache {
  const entries = new Map<string, Entry>(); // the most recently used last
  let used = 0;

  function drop(key: string): void {
    used -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  function fresh(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (!entry || entry.until > now()) return entry;
    drop(key);
    return undefined;
  }

  function put(key: string, value: Uint8Array, ttlMs: number): void {
    drop(key);
    const bytes = overhead + 2 * key.length + value.length;
    if (bytes > maxBytes) return;
    entries.set(key, { value: value.slice(), until: now() + ttlMs, bytes });
    used += bytes;
    for (const oldest of entries.keys()) {
      if (used <= maxBytes) break;
      drop(oldest);
    }
  }

  return {
    async get(key) {
      const entry = fresh(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    async set(key, value, ttlMs) {
      put(key, value, ttlMs);
    },
    async add(key, value, ttlMs) {
      if (fresh(key)) return false;
      put(key, value, ttlMs);
      return true;
    },
    async delete(key) {
      drop(key);
    },
  };
}
