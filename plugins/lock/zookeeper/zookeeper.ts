import { definePlugin, type Lock, lock } from "@mortise/kernel";
import { leasedLock } from "@mortise/kernel/spi/leased-lock";
import { zooKeeperDriver } from "@mortise/kernel/zookeeper/driver";
import { zooKeeperSessions } from "@mortise/kernel/zookeeper/session";
import { z } from "zod";
import { zooKeeperLocks } from "./zookeeper-locks.ts";

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
    .default("/mortise/lock")
    .describe("The node under which everything lies"),
  sessionMs: z
    .number()
    .min(1000)
    .default(15_000)
    .describe(
      "The time-out of the session, in milliseconds: no lease is longer, and locks of a dead process are free then",
    ),
});

const defaultLeaseMs = 10_000;

export const zookeeper = definePlugin({
  spi: lock,
  name: "zookeeper",
  description: "Locks in ephemeral sequential nodes of ZooKeeper",
  options,
  async setup({ options: { root, sessionMs, ...given }, ports, log }) {
    // @ts-expect-error: the package has no types
    const driver = await zooKeeperDriver("lock/zookeeper", () => import("node-zookeeper-client"));
    const sessions = await zooKeeperSessions(driver, { ...given, leaseMs: sessionMs }, ports, log, () => undefined);
    const leased = leasedLock(zooKeeperLocks(driver, sessions, root, given.user !== undefined, ports.clock), ports);
    /** An owner that is cut off must not believe in its lock for longer than its session lasts. */
    const api: Lock = {
      acquire: (name, { leaseMs = defaultLeaseMs, ...wait } = {}) =>
        leased.api.acquire(name, { ...wait, leaseMs: Math.min(leaseMs, sessions.timeoutMs) }),
    };
    return { ...leased, api };
  },
});
