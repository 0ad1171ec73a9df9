import type { Cache, Timers } from "@mortise/kernel";
import type { RedisClientType } from "redis";

export interface RedisCacheOptions {
  readonly prefix: string;
  readonly timeoutMs: number;
}

/** A client whose texts come as bytes. */
export interface BytesClient {
  get(key: string): Promise<Buffer | null>;
}

/** Keeps each value under a key of its own with Redis's own expiry. An answer that is late counts as none: it rejects. */
export function redisCache(
  client: RedisClientType,
  asBytes: BytesClient,
  { prefix, timeoutMs }: RedisCacheOptions,
  timers: Timers,
): Cache {
  const keep = (key: string, value: Uint8Array, ttlMs: number, when: { readonly condition?: "NX" }) =>
    client.set(`${prefix}${key}`, Buffer.from(value), {
      expiration: { type: "PX", value: Math.max(1, Math.ceil(ttlMs)) },
      ...when,
    });
  const answer = <T>(work: Promise<T>) => inTime(work, timeoutMs, timers);
  return {
    get: async (key) => (await answer(asBytes.get(`${prefix}${key}`))) ?? undefined,
    async set(key, value, ttlMs) {
      await answer(keep(key, value, ttlMs, {}));
    },
    add: async (key, value, ttlMs) => (await answer(keep(key, value, ttlMs, { condition: "NX" }))) !== null,
    async delete(key) {
      await answer(client.del(`${prefix}${key}`));
    },
  };
}

function inTime<T>(work: Promise<T>, ms: number, timers: Timers): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(ms, () => reject(new Error(`cache/redis: no answer within ${ms} ms`)));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
