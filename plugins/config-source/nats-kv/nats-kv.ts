import { configSource, definePlugin } from "@mortise/kernel";
import { versionedConfig, versionedFields } from "@mortise/kernel/spi/versioned-config";
import { z } from "zod";
import { natsVersions } from "./bucket.ts";

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
    .default("mortise-config")
    .describe("The bucket of the key-value store"),
  replicas: z.int().min(1).max(5).default(1).describe("Servers of the cluster that keep the bucket"),
  ...versionedFields,
});

/** A look at the server without being told of a change, in milliseconds. */
const lookMs = 5000;

export const natsKv = definePlugin({
  spi: configSource,
  name: "nats-kv",
  description: "Keeps central rules in a bucket of NATS",
  options,
  async setup({ options, ports, log }) {
    const { servers, user, password, token, bucket, replicas, keepVersions, lastGoodDir } = options;
    const connection = {
      servers,
      name: "mortise-config",
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password }),
      ...(token !== undefined && { token }),
    };
    const server = await natsVersions(connection, bucket, replicas, ports, log);
    return versionedConfig(server, { keepVersions, lastGoodDir, lookMs }, ports, log);
  },
});
