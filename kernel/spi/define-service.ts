import type { ServiceType, TopicType } from "../contract/types.ts";
import type { Needs } from "../core/needs.ts";
import { definePlugin, type Plugin, type Setup } from "../core/plugin.ts";
import type { Schema } from "../core/schema.ts";
import { type EventHandler, type EventOf, type Handlers, type Offer, type ServiceFacts, service } from "./service.ts";

type Topics = Readonly<Record<string, TopicType>>;

/** What a service's setup gives back. */
export interface ServiceParts<S extends ServiceType, T extends Topics> {
  readonly handlers: Handlers<S>;
  /** One handler per topic listened to. An event is delivered at least once; `call.id` tells repetitions. */
  readonly on?: { readonly [K in keyof T]: EventHandler<EventOf<T[K]>> };
  /** Runs once everything of this process can be called. */
  ready?(): void | Promise<void>;
  /** Runs before anything of this process stops; a door to the outside closes here. See {@link Service}. */
  closing?(): void | Promise<void>;
  stop?(): void | Promise<void>;
}

export interface ServiceDefinition<S extends ServiceType, N extends Needs, O, T extends Topics> {
  /** Default: the contract's last name in kebab-case, `shop.order.v1.OrderBook` gives `order-book`. */
  readonly name?: string;
  readonly description: string;
  readonly needs?: N;
  readonly options?: Schema<O>;
  /** Topics this service listens to; all running copies of the service share the events. */
  readonly topics?: T;
  setup(setup: Setup<N, O>): ServiceParts<S, T> | Promise<ServiceParts<S, T>>;
}

/** An implementation of a contract, as a plugin of the SPI `service`. */
export function defineService<
  S extends ServiceType,
  const N extends Needs = Record<never, never>,
  O = Record<never, never>,
  const T extends Topics = Record<never, never>,
>(contract: S, definition: ServiceDefinition<S, N, O, T>): Plugin {
  const { name = shortName(contract), description, needs, options, topics } = definition;
  return definePlugin<unknown, N, O>({
    spi: service,
    name,
    description,
    ...(needs && { needs }),
    ...(options && { options }),
    facts: { contracts: [contract], topics: Object.values(topics ?? {}) } satisfies ServiceFacts,
    setup: async (given) => {
      const parts = await definition.setup(given);
      const offer = { service: contract, handlers: parts.handlers as unknown as Offer["handlers"] };
      const on = (parts.on ?? {}) as Readonly<Record<string, EventHandler<never>>>;
      const listens = Object.entries(topics ?? {}).map(([key, topic]) => ({
        topic,
        handler: handlerOf(name, key, on),
      }));
      return {
        api: {
          offers: [offer],
          listens,
          ...(parts.ready && { ready: () => parts.ready?.() }),
          ...(parts.closing && { closing: () => parts.closing?.() }),
        },
        stop: () => parts.stop?.(),
      };
    },
  });
}

function handlerOf(
  service: string,
  key: string,
  on: Readonly<Record<string, EventHandler<never>>>,
): EventHandler<never> {
  const handler = on[key];
  if (!handler)
    throw new TypeError(`service/${service} listens to topic "${key}" but its setup gives no handler on.${key}`);
  return handler;
}

function shortName({ name }: ServiceType): string {
  return name
    .slice(name.lastIndexOf(".") + 1)
    .replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-")
    .toLowerCase();
}
