import { bus, clients, cluster, definePlugin, live, policies } from "@mortise/kernel";
import { z } from "zod";
import { failbackCluster, makeKeptCalls, pendingOf } from "./failback-cluster.ts";

const options = z.strictObject({
  retries: z
    .int()
    .min(0)
    .default(3)
    .describe("How often a call that failed is made again; 0: never, its caller gets the error."),
  delayMs: z.int().min(1).default(5000).describe("Wait before a call is made again, in milliseconds."),
  maxPending: z
    .int()
    .min(1)
    .default(100)
    .describe("Calls of this process that may wait at a time; the callers of further ones get their errors."),
});

export const failback = definePlugin({
  spi: cluster,
  name: "failback",
  description: "Keeps failed calls on the bus and makes them again in the background",
  options,
  needs: { bus, policies: live(policies), clients: live(clients) },
  async setup({ deps, options, ports, log }) {
    const { app } = deps.policies.current;
    const setup = { options, app, bus: deps.bus, clients: () => deps.clients.current, ports, log };
    const pending = pendingOf(setup);
    const subscription = await makeKeptCalls(setup, pending);
    return { api: failbackCluster(setup, pending), stop: () => subscription?.close() };
  },
});
