import { definePlugin, limiter, type Timers } from "@mortise/kernel";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import type { RedisClientType } from "redis";
import { z } from "zod";
import { redisFields, type SharedBuckets, sharedLimiter } from "./redis-limiter.ts";
import { takeScript, takeSha } from "./script.ts";

const options = z.strictObject({
  url: z
    .string()
    .default("redis://127.0.0.1:6379")
    .describe("The server, `rediss://` for TLS; may carry user and password"),
  prefix: z.string().min(1).default("mortise:limit:").describe("What all keys begin with"),
  timeoutMs: z
    .number()
    .min(1)
    .default(100)
    .describe("How long Redis may take to answer before each process counts by itself, in milliseconds"),
  localShare: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe("What part of the rate each process takes while Redis is away, for example 0.25 for four processes"),
});

/** @param now the time in milliseconds; undefined where it is the server's own */
export function redisBuckets(
  client: RedisClientType,
  { prefix, timeoutMs }: { readonly prefix: string; readonly timeoutMs: number },
  timers: Timers,
  now: () => number | undefined = () => undefined,
): SharedBuckets {
  const inTime = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = timers.after(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)));
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  return {
    async take(key, { rate, capacity }) {
      const given = { keys: [`${prefix}${key}`], arguments: [`${rate}`, `${capacity}`, `${now() ?? ""}`] };
      const taken = client.evalSha(takeSha, given).catch((error: Error) => {
        if (!error.message.startsWith("NOSCRIPT")) throw error;
        return client.eval(takeScript, given);
      });
      return Number(await inTime(taken));
    },
    ping: async () => void (await inTime(client.ping())),
  };
}

export const redis = definePlugin({
  spi: limiter,
  name: "redis",
  description: "A steady rate with bursts, for all processes together",
  options,
  policy: redisFields.schemas,
  async setup({ options, ports, log }) {
    const { createClient } = await loadDriver("limiter/redis", "redis", () => import("redis"));
    const client = createClient({
      url: options.url,
      disableOfflineQueue: true,
      socket: { connectTimeout: 3000 },
    }) as unknown as RedisClientType;
    client.on("error", (error) => log.debug("limiter/redis: connection", { error }));
    await new Promise<void>((resolve) => {
      client.once("ready", () => resolve());
      client.once("error", () => resolve()); // connecting goes on in the background
      client.connect().catch(() => resolve());
    });
    const sharing = sharedLimiter(redisBuckets(client, options, ports.timers), options.localShare, ports, log);
    return {
      api: sharing.limiter,
      stop() {
        sharing.close();
        client.destroy();
      },
    };
  },
});
