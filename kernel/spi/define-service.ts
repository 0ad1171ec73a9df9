import type { OperationsType } from "../contract/transaction/operation.ts";
import { acknowledgementTopic, branchTopic, dueTopic } from "../contract/transaction/topics.ts";
import type { ServiceType, TopicType } from "../contract/types.ts";
import type { Deps, Needs } from "../core/needs.ts";
import { definePlugin, type Plugin, type Setup } from "../core/plugin.ts";
import type { Schema } from "../core/schema.ts";
import { freeingEach, watchStores } from "./opened-databases.ts";
import type { AnyPerformance, Performances } from "./perform.ts";
import { type EventHandler, type EventOf, type Handlers, type Offer, type ServiceFacts, service } from "./service.ts";
import type { Database } from "./store.ts";
import { type Initiates, type Performing, type Transactions, transactions } from "./transactions.ts";

type Topics = Readonly<Record<string, TopicType>>;

/** How a service performs its operations. */
export interface Performed<P extends OperationsType> {
  /** The database they act on; the kernel keeps its fence there too. */
  readonly on: Database;
  readonly operations: Performances<P>;
}

/** What a service's setup gives back. */
export type ServiceParts<S extends ServiceType, T extends Topics, P extends OperationsType | undefined = undefined> = {
  readonly handlers: Handlers<S>;
  /** One handler per topic listened to. An event is delivered at least once; `call.id` tells repetitions. */
  readonly on?: { readonly [K in keyof T]: EventHandler<EventOf<T[K]>> };
  /** Runs once everything of this process can be called. */
  ready?(): void | Promise<void>;
  /** Runs before anything of this process stops; a door to the outside closes here. See {@link Service}. */
  closing?(): void | Promise<void>;
  stop?(): void | Promise<void>;
} & (P extends OperationsType ? { readonly perform: Performed<P> } : { readonly perform?: never });

export interface ServiceDefinition<
  S extends ServiceType,
  N extends Needs,
  O,
  T extends Topics,
  P extends OperationsType | undefined = undefined,
> {
  /** Default: the contract's last name in kebab-case, `shop.order.v1.OrderBook` gives `order-book`. */
  readonly name?: string;
  readonly description: string;
  readonly needs?: N;
  readonly options?: Schema<O>;
  /** Topics this service listens to; all running copies of the service share the events. */
  readonly topics?: T;
  /** What it does on behalf of transactions; `perform` of its parts says how. */
  readonly operations?: P;
  setup(setup: Setup<N, O>): ServiceParts<S, T, P> | Promise<ServiceParts<S, T, P>>;
}

/** An implementation of a contract, as a plugin of the SPI `service`. */
export function defineService<
  S extends ServiceType,
  const N extends Needs = Record<never, never>,
  O = Record<never, never>,
  const T extends Topics = Record<never, never>,
  P extends OperationsType | undefined = undefined,
>(contract: S, definition: ServiceDefinition<S, N, O, T, P>): Plugin {
  const { name = shortName(contract), description, needs, options, topics, operations } = definition;
  const contracts = operations ? [contract, operations.service] : [contract];
  const performs = operations ? [operations] : [];
  const initiated = Object.values(needs ?? {}).flatMap((need) =>
    "initiates" in need ? [need as unknown as Initiates] : [],
  );
  const listed = [
    ...Object.values(topics ?? {}),
    ...(operations ? [branchTopic(operations.name)] : []),
    ...initiated.flatMap(({ initiates: { name } }) => [acknowledgementTopic(name), dueTopic(name)]),
  ];
  return definePlugin<unknown, N, O>({
    spi: service,
    name,
    description,
    needs: { ...needs, ...((operations || initiated.length > 0) && { [hidden]: transactions }) } as N,
    ...(options && { options }),
    facts: { contracts, topics: listed, performs } satisfies ServiceFacts,
    setup: async (given) => {
      const { parts, performing } = await started(name, definition, given);
      const offer = { service: contract, handlers: parts.handlers as unknown as Offer["handlers"] };
      const on = (parts.on ?? {}) as Readonly<Record<string, EventHandler<never>>>;
      const own = Object.entries(topics ?? {}).map(([key, topic]) => ({ topic, handler: handlerOf(name, key, on) }));
      const ofInitiated = initiated.flatMap(({ initiates }) => hiddenOf(given.deps).listens(initiates));
      const listens = [...own, ...(performing?.listens ?? []), ...ofInitiated];
      return {
        api: {
          offers: performing ? [offer, performing.offer] : [offer],
          listens,
          ...(parts.ready && { ready: () => parts.ready?.() }),
          ...(parts.closing && { closing: () => parts.closing?.() }),
        },
        stop: async () => {
          await performing?.stop();
          await parts.stop?.();
        },
      };
    },
  });
}

/** Under this name a service with operations asks for what drives them. */
const hidden = "(operations)";

function hiddenOf(deps: Deps<Needs>): Transactions {
  return (deps as Readonly<Record<string, unknown>>)[hidden] as Transactions;
}

type AnyParts = Omit<ServiceParts<ServiceType, Topics>, "perform" | "on" | "handlers"> & {
  readonly handlers: unknown;
  readonly on?: unknown;
  readonly perform?: unknown;
};

/** Does what the setup says, and hosts the participant; until then what waits prepared in its databases is ended for it. */
async function started<
  S extends ServiceType,
  N extends Needs,
  O,
  T extends Topics,
  P extends OperationsType | undefined,
>(
  name: string,
  { needs, operations, setup }: ServiceDefinition<S, N, O, T, P>,
  given: Setup<N, O>,
): Promise<{ readonly parts: AnyParts; readonly performing?: Performing }> {
  if (!operations) return { parts: await setup(given) };
  const freed = freeingEach(operations, hiddenOf(given.deps), given.signal);
  try {
    const parts: AnyParts = await setup({ ...given, deps: watchStores(needs, given.deps, freed.opened) });
    return { parts, performing: await orStop(perform(name, operations, parts, given.deps), parts) };
  } finally {
    freed.stop();
  }
}

/** What the setup has opened is closed again where the rest of the start fails. */
async function orStop<T>(work: Promise<T>, parts: AnyParts): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await parts.stop?.();
    throw error;
  }
}

async function perform(
  service: string,
  operations: OperationsType,
  parts: AnyParts,
  deps: Deps<Needs>,
): Promise<Performing> {
  const given = parts.perform as Performed<OperationsType> | undefined;
  if (!given)
    throw new TypeError(`service/${service} has operations but its setup does not say how it performs them (perform)`);
  const performances: Readonly<Record<string, Partial<AnyPerformance>>> = given.operations;
  for (const [local, { facts }] of Object.entries(operations.operations)) {
    const where = `service/${service} has an operation "${local}" but its setup gives no perform.operations.${local}`;
    if (!Object.hasOwn(performances, local)) throw new TypeError(where);
    const undo = facts.undo ? ["undo"] : [];
    const query = facts.acts === "external" ? ["query"] : [];
    const missing = ["reserve", "confirm", "cancel", ...undo, ...query].find(
      (part) => !(part in (performances[local] ?? {})),
    );
    if (missing !== undefined) throw new TypeError(`${where}.${missing}`);
  }
  return hiddenOf(deps).perform({
    operations,
    database: given.on,
    perform: given.operations as Readonly<Record<string, AnyPerformance>>,
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
