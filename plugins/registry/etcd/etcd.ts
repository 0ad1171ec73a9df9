import { definePlugin, registry } from "@mortise/kernel";
import { leasedRegistry } from "@mortise/kernel/spi/leased-registry";
import { z } from "zod";
import { etcdClient } from "./etcd-client.ts";
import { etcdServer } from "./etcd-server.ts";

const address = z.url({ protocol: /^https?$/, error: "must begin with http:// or https://" });

const options = z.strictObject({
  urls: z
    .union([address, z.array(address).min(1)])
    .transform((urls) => [urls].flat())
    .default(["http://127.0.0.1:2379"])
    .describe("Addresses of the members of one cluster, `https://` for TLS"),
  user: z.string().min(1).optional().describe("The user to log in as"),
  password: z.string().optional().describe("The password of the user, best from an environment variable"),
  prefix: z.string().min(1).default("mortise/registry").describe("What all keys begin with"),
  leaseMs: z
    .number()
    .min(1000)
    .default(15_000)
    .describe("An instance that is not renewed for so long is gone, in milliseconds; etcd counts whole seconds"),
  timeoutMs: z.number().min(1).default(3000).describe("How long a request may take, in milliseconds"),
});

export const etcd = definePlugin({
  spi: registry,
  name: "etcd",
  description: "Keeps instances in etcd under leases",
  options,
  async setup({ options, ports, log }) {
    return leasedRegistry(etcdServer(etcdClient(options, ports), options, ports, log), options, ports, log);
  },
});
