import { definePlugin, registry } from "@mortise/kernel";
import { leasedRegistry } from "@mortise/kernel/spi/leased-registry";
import { type ZooKeeperDriver, zooKeeperDriver } from "@mortise/kernel/zookeeper/driver";
import { z } from "zod";
import { zooKeeperServer } from "./zookeeper-server.ts";

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
    .default("/mortise/registry")
    .describe("The node under which everything lies"),
  leaseMs: z
    .number()
    .min(1000)
    .default(15_000)
    .describe(
      "The time-out of the session, in milliseconds: instances of a process that is silent for so long are gone",
    ),
});

/** The package, loaded on first use. */
export function loadedDriver(): Promise<ZooKeeperDriver> {
  // @ts-expect-error: the package has no types
  return zooKeeperDriver("registry/zookeeper", () => import("node-zookeeper-client"));
}

export const zookeeper = definePlugin({
  spi: registry,
  name: "zookeeper",
  description: "Keeps instances in ephemeral nodes of ZooKeeper",
  options,
  async setup({ options, ports, log }) {
    const server = await zooKeeperServer(await loadedDriver(), options, ports, log);
    return leasedRegistry(server, options, ports, log);
  },
});
