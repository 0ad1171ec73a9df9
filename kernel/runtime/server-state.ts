import type { CallSite } from "../call/site.ts";
import type { Method } from "../contract/types.ts";
import type { Bus } from "../spi/bus.ts";
import type { Instance } from "../spi/instance.ts";
import type { Policies } from "../spi/policies.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { Registry } from "../spi/registry.ts";
import type { Serializer } from "../spi/serializer.ts";
import type { Service } from "../spi/service.ts";
import { type Listened, type Offers, offersOf } from "./offers.ts";
import { type Choices, defaultsFor, type Named } from "./parts.ts";
import { busFor } from "./publish.ts";

/** What a server is to be in one generation. */
export interface ServerState {
  readonly services: Named<Service>;
  readonly offers: Offers;
  readonly protocols: Named<Protocol>;
  readonly serializers: Named<Serializer>;
  readonly registry: Registry;
  readonly subscriptions: readonly Wanted[];
}

/** A subscription that is to be. */
export interface Wanted extends Listened {
  readonly bus: Bus;
}

/** What a server is made of. */
export interface ServerParts extends Choices {
  readonly services: Named<Service>;
  /** What the platform itself offers here, by the SPI it belongs to. */
  readonly own: Named<Service>;
  readonly protocols: Named<Protocol>;
  readonly serializers: Named<Serializer>;
  readonly buses: Named<Bus>;
  readonly registry: Registry;
  readonly policies: Policies;
}

/** Works out what a server is to be. Throws an Error for services that cannot be offered and a StatusError for a bus that is not there. */
export function serverState(parts: ServerParts): ServerState {
  const { services, own, protocols, serializers, registry } = parts;
  const offers = offersOf(services, own);
  const subscriptions = [...offers.listens.values()].map((listened) => {
    const method = listened.topic.method as Method;
    const { policy } = parts.policies.of(method, defaultsFor(method, parts));
    const site: CallSite = { place: "provider", method, app: parts.policies.app, policy };
    return { ...listened, bus: busFor(site, parts.buses) };
  });
  return { services, offers, protocols, serializers, registry, subscriptions };
}

/** How the instances of this process are described. */
export interface InstanceFacts {
  /** Distinguishes this process from all others. */
  readonly process: string;
  readonly weight: number;
  readonly zone: string;
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly startedAt: number;
}

/** An instance per service and protocol. Ids hold letters, digits, dots and dashes alone, which every registry can store. */
export function instancesOf(
  { offers, serializers, protocols }: ServerState,
  addresses: ReadonlyMap<string, string>,
  { process, ...facts }: InstanceFacts,
): Instance[] {
  return [...addresses].flatMap(([protocol, address]) => {
    const carried = [...serializers].filter(([, one]) => protocols.get(protocol)?.carries?.(one) ?? true);
    return [...offers.services.keys()].map((service) => ({
      id: `${service}-${protocol}-${process}`,
      service,
      address,
      protocol,
      serializers: carried.map(([name]) => name),
      ...facts,
    }));
  });
}
