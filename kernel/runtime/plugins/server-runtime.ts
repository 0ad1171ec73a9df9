import { z } from "zod";
import { type Deps, every, live, optional } from "../../core/needs.ts";
import { definePlugin } from "../../core/plugin.ts";
import { bus } from "../../spi/bus.ts";
import { cluster } from "../../spi/cluster.ts";
import { filter } from "../../spi/filter.ts";
import { loadBalancer } from "../../spi/loadbalancer.ts";
import { policies } from "../../spi/policies.ts";
import { protocol } from "../../spi/protocol.ts";
import { registry } from "../../spi/registry.ts";
import { serializer } from "../../spi/serializer.ts";
import { server } from "../../spi/server.ts";
import { service } from "../../spi/service.ts";
import { transactions } from "../../spi/transactions.ts";
import { offersOf } from "../offers.ts";
import { runtimeServer } from "../server.ts";
import { type ServerParts, serverState } from "../server-state.ts";

const options = z.strictObject({
  weight: z.number().nonnegative().default(100).describe("Share of calls relative to other instances; 0 takes none."),
  zone: z.string().default("").describe("Where this process runs, for routers that prefer what is near."),
  version: z.string().default("").describe("What this process runs, for routers and people."),
  tags: z.record(z.string(), z.string()).default({}).describe("Marks for routers."),
  graceMs: z
    .number()
    .nonnegative()
    .default(5000)
    .describe("How long requests in flight may take to end when the process stops, in milliseconds."),
  registerWaitMs: z
    .number()
    .nonnegative()
    .default(5000)
    .describe("How long a start waits for the registry, in milliseconds; it then goes on and registers when it can."),
  registerRetryMs: z
    .number()
    .positive()
    .default(2000)
    .describe("Wait before a registry that refused is asked again, in milliseconds."),
});

const needs = {
  services: live(every(service)),
  transactions: live(optional(transactions)),
  protocols: live(every(protocol)),
  serializers: live(every(serializer)),
  buses: live(every(bus)),
  filters: live(every(filter)),
  clusters: live(every(cluster)),
  balancers: live(every(loadBalancer)),
  registry: live(registry),
  policies: live(policies),
};

/** Offers the services of this process over every selected protocol, and their events to the bus. */
export const serverRuntime = definePlugin({
  spi: server,
  name: "runtime",
  description: "Offers the services of this process to others",
  options,
  exclusive: true, // the doors of services open and close in turn, and a fixed port has one listener
  needs,
  async setup({ deps, options, ports, log, generation }) {
    const offers = remembered((services: ServerParts["services"]) => offersOf(services, ownOffers(deps)));
    const made = runtimeServer({
      options,
      ports,
      log,
      generation,
      parts: () => ({ ...partsOf(deps), filters: deps.filters.current, offers: offers(deps.services.current) }),
    });
    await made.start(serverState(partsOf(deps)));
    return {
      api: made,
      follow: (next) => made.prepare(serverState(partsOf(next))),
      stop: () => made.stop(),
    };
  },
});

/** The same result while it is asked about the same thing. */
function remembered<A extends object, R>(work: (about: A) => R): (about: A) => R {
  const known = new WeakMap<A, R>();
  return (about) => {
    const before = known.get(about);
    if (before !== undefined) return before;
    const result = work(about);
    known.set(about, result);
    return result;
  };
}

/** What the platform itself serves in this process. Only with its services does it change what they begin. */
function ownOffers({ transactions }: Deps<typeof needs>) {
  return new Map(
    transactions.current ? [["transactions", { offers: transactions.current.offers(), listens: [] }]] : [],
  );
}

function partsOf(deps: Deps<typeof needs>): ServerParts {
  return {
    own: ownOffers(deps),
    services: deps.services.current,
    protocols: deps.protocols.current,
    serializers: deps.serializers.current,
    buses: deps.buses.current,
    clusters: deps.clusters.current,
    balancers: deps.balancers.current,
    registry: deps.registry.current,
    policies: deps.policies.current,
  };
}
