import { definePlugin, type Plugin } from "../core/plugin.ts";
import type { Instance } from "../spi/instance.ts";
import { registry } from "../spi/registry.ts";

/** A registry that knows one address, and takes every service to be there. */
export function addressRegistry(address: string, protocol: string): Plugin {
  const instanceOf = (service: string): Instance => ({
    id: "address",
    service,
    address,
    protocol,
    serializers: ["protobuf", "json"],
    weight: 100,
    zone: "",
    version: "",
    tags: {},
    startedAt: 0,
  });
  return definePlugin({
    spi: registry,
    name: "address",
    description: "One address for everything",
    setup: () => ({
      api: {
        register: async () => ({ withdraw: async () => {} }),
        watch: async (service, listener) => {
          listener([instanceOf(service)]);
          return { close: async () => {} };
        },
        services: async () => [],
      },
    }),
  });
}
