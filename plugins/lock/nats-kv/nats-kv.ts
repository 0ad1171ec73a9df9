import { definePlugin, lock } from "@mortise/kernel";
import { leasedLock } from "@mortise/kernel/spi/leased-lock";
import { z } from "zod";
import { natsBucket } from "./bucket.ts";
import { natsLocks } from "./nats-locks.ts";

const options = z.strictObject({
  servers: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((servers) => [servers].flat())
    .default(["nats://127.0.0.1:4222"])
    .describe("Addresses of the servers of one cluster"),
  user: z.string().optional().describe("The user to log in as"),
  password: z.string().optional().describe("The password of the user, best from an environment variable"),
  token: z.string().optional().describe("A token to log in with, best from an environment variable"),
  bucket: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, "may hold only letters, digits, _ and -")
    .default("mortise-lock")
    .describe("The bucket of the key-value store"),
  replicas: z.int().min(1).max(5).default(1).describe("Servers of the cluster that keep the bucket"),
});

export const natsKv = definePlugin({
  spi: lock,
  name: "nats-kv",
  description: "Locks in a bucket of NATS under leases",
  options,
  async setup({ options, ports, log }) {
    const { servers, user, password, token, bucket, replicas } = options;
    const connection = {
      servers,
      name: "mortise-lock",
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password }),
      ...(token !== undefined && { token }),
    };
    return leasedLock(natsLocks(await natsBucket(connection, bucket, replicas, ports, log), ports.clock), ports);
  },
});
