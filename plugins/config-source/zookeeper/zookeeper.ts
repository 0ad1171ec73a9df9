import { configSource, definePlugin } from "@mortise/kernel";
import { versionedConfig, versionedFields } from "@mortise/kernel/spi/versioned-config";
import { zooKeeperDriver } from "@mortise/kernel/zookeeper/driver";
import { z } from "zod";
import { zooKeeperVersions } from "./nodes.ts";

const address = z
  .string()
  .regex(/^(zookeeper:\/\/)?[^/:,]+(:\d+)?$/, "must be host:port, with or without zookeeper:// before it")
  .transform((text) => text.replace(/^zookeeper:\/\//, ""));

const options = z.strictObject({
  servers: z
    .union([address, z.array(address).min(1)])
    .transform((servers) => [servers].flat())
    .default(["127.0.0.1:2181"])
    .describe("Addresses of the servers of one ensemble, `host:port`"),
  user: z
    .string()
    .min(1)
    .optional()
    .describe("The user to log in as (digest); only this user may then touch the nodes"),
  password: z.string().optional().describe("The password of the user, best from an environment variable"),
  root: z
    .string()
    .regex(/^(\/[^/]+)+$/, "must begin with / and not end with it")
    .default("/mortise/config")
    .describe("The node under which everything lies"),
  sessionMs: z.number().min(1000).default(15_000).describe("The time-out of the session, in milliseconds"),
  ...versionedFields,
});

/** A look at the server without being told of a change, in milliseconds. */
const lookMs = 5000;

export const zookeeper = definePlugin({
  spi: configSource,
  name: "zookeeper",
  description: "Keeps central rules in nodes of ZooKeeper",
  options,
  async setup({ options: { keepVersions, lastGoodDir, sessionMs, ...given }, ports, log }) {
    // @ts-expect-error: the package has no types
    const driver = await zooKeeperDriver("config-source/zookeeper", () => import("node-zookeeper-client"));
    const server = await zooKeeperVersions(driver, { ...given, leaseMs: sessionMs }, ports, log);
    return versionedConfig(server, { keepVersions, lastGoodDir, lookMs }, ports, log);
  },
});
