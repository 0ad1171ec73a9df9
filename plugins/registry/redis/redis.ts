import { definePlugin, registry } from "@mortise/kernel";
import { leasedRegistry } from "@mortise/kernel/spi/leased-registry";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import type { RedisClientType } from "redis";
import { z } from "zod";
import { redisServer } from "./redis-server.ts";

const options = z.strictObject({
  url: z
    .string()
    .default("redis://127.0.0.1:6379")
    .describe("The server, `rediss://` for TLS; may carry user and password"),
  prefix: z.string().min(1).default("mortise:registry").describe("What all keys and channels begin with"),
  leaseMs: z
    .number()
    .min(1000)
    .default(15_000)
    .describe("An instance that is not renewed for so long is gone, in milliseconds"),
});

export const redis = definePlugin({
  spi: registry,
  name: "redis",
  description: "Keeps instances in Redis under leases",
  options,
  async setup({ options, ports, log }) {
    const { createClient } = await loadDriver("registry/redis", "redis", () => import("redis"));
    const client = createClient({ url: options.url, disableOfflineQueue: true, socket: { connectTimeout: 3000 } });
    return leasedRegistry(await redisServer(client as unknown as RedisClientType, options, log), options, ports, log);
  },
});
