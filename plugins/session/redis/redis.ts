import { definePlugin, session } from "@mortise/kernel";
import { keptSessions } from "@mortise/kernel/spi/kept-sessions";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import type { RedisClientType } from "redis";
import { z } from "zod";
import { redisTable } from "./redis-table.ts";

const options = z.strictObject({
  url: z
    .string()
    .default("redis://127.0.0.1:6379")
    .describe("The server, `rediss://` for TLS; may carry user and password"),
  prefix: z.string().min(1).default("mortise:session:").describe("What all keys begin with"),
});

export const redis = definePlugin({
  spi: session,
  name: "redis",
  description: "Keeps sessions in Redis, for all processes",
  options,
  async setup({ options: { url, prefix }, ports, log }) {
    const { createClient } = await loadDriver("session/redis", "redis", () => import("redis"));
    const client = createClient({
      url,
      disableOfflineQueue: true,
      socket: { connectTimeout: 3000 },
    }) as unknown as RedisClientType;
    client.on("error", (error) => log.debug("session/redis: connection", { error }));
    await new Promise<void>((resolve) => {
      client.once("ready", () => resolve());
      client.once("error", () => resolve()); // connecting goes on in the background
      client.connect().catch(() => resolve());
    });
    return {
      api: keptSessions(redisTable(client, prefix, ports.clock), ports, () => ports.ids.hex(32)),
      stop: () => client.destroy(),
    };
  },
});
