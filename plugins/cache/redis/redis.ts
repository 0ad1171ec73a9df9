import { cache, definePlugin } from "@mortise/kernel";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import type { RedisClientType } from "redis";
import { z } from "zod";
import { redisCache } from "./redis-cache.ts";

const options = z.strictObject({
  url: z
    .string()
    .default("redis://127.0.0.1:6379")
    .describe("The server, `rediss://` for TLS; may carry user and password"),
  prefix: z.string().min(1).default("mortise:cache:").describe("What all keys begin with"),
  timeoutMs: z.number().min(1).default(500).describe("How long an answer may take, in milliseconds"),
});

export const redis = definePlugin({
  spi: cache,
  name: "redis",
  description: "Keeps values in Redis, for all processes",
  options,
  async setup({ options, ports, log }) {
    const { createClient, RESP_TYPES } = await loadDriver("cache/redis", "redis", () => import("redis"));
    const client = createClient({
      url: options.url,
      disableOfflineQueue: true,
      socket: { connectTimeout: 3000 },
    }) as unknown as RedisClientType;
    client.on("error", (error) => log.debug("cache/redis: connection", { error }));
    await firstTry(client);
    const asBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    return {
      api: redisCache(client, asBytes as unknown as BytesClient, options, ports.timers),
      stop: () => client.destroy(),
    };
  },
});

type BytesClient = Parameters<typeof redisCache>[1];

/** Begins to connect, for ever; resolves when it is connected or has failed once, so that a start does not wait for the server. */
function firstTry(client: RedisClientType): Promise<void> {
  return new Promise((resolve) => {
    client.once("ready", () => resolve());
    client.once("error", () => resolve());
    client.connect().catch(() => resolve());
  });
}
