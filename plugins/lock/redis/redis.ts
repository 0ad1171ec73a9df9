import { definePlugin, lock } from "@mortise/kernel";
import { type LockServer, leasedLock } from "@mortise/kernel/spi/leased-lock";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import type { RedisClientType } from "redis";
import { z } from "zod";
import { releaseScript, renewScript, takeScript } from "./scripts.ts";

const options = z.strictObject({
  url: z
    .string()
    .default("redis://127.0.0.1:6379")
    .describe("The server, `rediss://` for TLS; may carry user and password"),
  prefix: z.string().min(1).default("mortise:lock").describe("What all keys begin with"),
});

function redisServer(client: RedisClientType, prefix: string): LockServer {
  const run = (script: string, name: string, ...args: readonly string[]) =>
    client.eval(script, { keys: [`${prefix}:{${name}}:holder`, `${prefix}:{${name}}:token`], arguments: [...args] });
  return {
    async take({ name, owner, leaseMs }) {
      const token = await run(takeScript, name, owner, whole(leaseMs));
      return typeof token === "string" ? BigInt(token) : undefined;
    },
    renew: async ({ name, owner, leaseMs }) => (await run(renewScript, name, owner, whole(leaseMs))) === 1,
    release: async ({ name, owner }) => void (await run(releaseScript, name, owner)),
    close: () => client.destroy(),
  };
}

function whole(ms: number): string {
  return `${Math.ceil(ms)}`;
}

export const redis = definePlugin({
  spi: lock,
  name: "redis",
  description: "Locks in Redis under leases",
  options,
  async setup({ options: { url, prefix }, ports, log }) {
    const { createClient } = await loadDriver("lock/redis", "redis", () => import("redis"));
    const client = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: 3000 } });
    client.on("error", (error) => log.debug("lock/redis: connection", { error }));
    await new Promise<void>((resolve) => {
      client.once("ready", () => resolve());
      client.once("error", () => resolve()); // connecting goes on in the background
      client.connect().catch(() => resolve());
    });
    return leasedLock(redisServer(client as unknown as RedisClientType, prefix), ports);
  },
});
