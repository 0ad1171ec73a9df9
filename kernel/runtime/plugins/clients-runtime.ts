import { z } from "zod";
import { every, live } from "../../core/needs.ts";
import { definePlugin } from "../../core/plugin.ts";
import { bus } from "../../spi/bus.ts";
import { cluster } from "../../spi/cluster.ts";
import { directory } from "../../spi/directory.ts";
import { filter } from "../../spi/filter.ts";
import { loadBalancer } from "../../spi/loadbalancer.ts";
import { policies } from "../../spi/policies.ts";
import { protocol } from "../../spi/protocol.ts";
import { router } from "../../spi/router.ts";
import { clients } from "../../spi/runtime.ts";
import { serializer } from "../../spi/serializer.ts";
import { runtimeClients } from "../clients.ts";
import { topicPolicy } from "../publish.ts";
import { stickyPolicy } from "../sticky.ts";

const options = z.strictObject({
  waitForInstanceMs: z
    .number()
    .nonnegative()
    .default(5000)
    .describe("How long a call waits for the first instance when its deadline is further away, in milliseconds."),
  graceMs: z
    .number()
    .nonnegative()
    .default(5000)
    .describe("How long calls in flight may take to end when their instance or protocol is gone, in milliseconds."),
});

/** Clients whose calls go through filters, cluster, routers and balancer to an instance of their service. */
export const clientsRuntime = definePlugin({
  spi: clients,
  name: "runtime",
  description: "Calls services wherever they run, and publishes events",
  options,
  policy: { ...topicPolicy.schemas, ...stickyPolicy.schemas },
  needs: {
    policies: live(policies),
    directory: live(directory),
    filters: live(every(filter)),
    routers: live(every(router)),
    clusters: live(every(cluster)),
    balancers: live(every(loadBalancer)),
    protocols: live(every(protocol)),
    serializers: live(every(serializer)),
    buses: live(every(bus)),
  },
  setup({ deps, options, ports, log, generation }) {
    const made = runtimeClients({
      options,
      ports,
      log,
      generation,
      directory: () => deps.directory.current,
      parts: () => ({
        policies: deps.policies.current,
        directory: deps.directory.current,
        filters: deps.filters.current,
        routers: deps.routers.current,
        clusters: deps.clusters.current,
        balancers: deps.balancers.current,
        protocols: deps.protocols.current,
        serializers: deps.serializers.current,
        buses: deps.buses.current,
      }),
    });
    return {
      api: made,
      follow: (next) => ({
        async flipped(drained) {
          await drained;
          await made.keepOnly(next.protocols.current.values(), next.directory.current);
        },
      }),
      stop: () => made.close(),
    };
  },
});
