import { after } from "node:test";
import {
  background,
  type Client,
  type Clients,
  type Context,
  type Coordinator,
  type Database,
  type MethodKind,
  type Offer,
  type Plugin,
  packagePlugins,
  type Service,
  type ServiceType,
  type Sessions,
  StatusError,
  type Store,
  systemPorts,
  type TopicType,
  type TransactionStrategy,
} from "@mortise/kernel";
import { openDatabase } from "@mortise/kernel/postgres/database";
import { loadDrivers } from "@mortise/kernel/postgres/drivers";
import { type RunningTransactions, transactionsOf } from "@mortise/kernel/runtime";
import { keptCoordinator } from "@mortise/kernel/spi/kept-transactions";
import { postgresServer, silentLog, startPlugin } from "@mortise/kernel/testing";
import { cancelOrder, dropOrder, holdOrder, payOrder, placeOrder } from "@mortise/proto/shop/transactions";

const connections = {
  poolSize: 10,
  connectTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 0,
  idleTransactionTimeoutMs: 60_000,
  tls: false,
} as const;

/** A store of databases nobody else uses, on a real server; all of it is gone after the tests of this file. */
export async function testStore(): Promise<Store> {
  const server = await postgresServer();
  const drivers = await loadDrivers();
  const open = new Map<string, Promise<Database>>();
  const ends: (() => Promise<void>)[] = [];
  async function database(name: string): Promise<Database> {
    const made = await server.database();
    const opened = openDatabase(name, made.address, connections, drivers, systemPorts);
    ends.push(async () => {
      await opened.end(1000);
      await made.drop();
    });
    return opened.database;
  }
  after(async () => {
    await Promise.all(ends.map((end) => end()));
    await server.stop();
  });
  return {
    database: (name) => {
      const known = open.get(name) ?? database(name);
      open.set(name, known);
      return known;
    },
  };
}

/** Sessions in a database of a store, by the plugin the shop selects. */
export async function testSessions(store: Store): Promise<Sessions> {
  const { catalogue } = await packagePlugins(import.meta.dirname, {
    names: ["@mortise/plugins"],
    dir: import.meta.dirname,
  });
  const plugin = await catalogue.find(({ id }) => id === "session/postgres")?.load();
  if (!plugin) throw new Error("there is no session/postgres");
  const { api, stop } = await startPlugin<Sessions>(plugin, { deps: { store } });
  after(() => stop?.());
  return api;
}

/** What the order service runs transactions with. */
export function initiatorsOf(api: RunningTransactions) {
  return {
    placeOrder: api.initiator(placeOrder),
    holdOrder: api.initiator(holdOrder),
    payOrder: api.initiator(payOrder),
    dropOrder: api.initiator(dropOrder),
    cancelOrder: api.initiator(cancelOrder),
  };
}

const strategyNames = ["tcc", "saga", "xa", "3pc"];

/**
 * The transactions of one service, as if it ran in a process of its own. All of them share one coordinator, and take over
 * from each other what was not heard of for `leaseMs`.
 */
export async function testTransactions(services: Services, leaseMs = 300): Promise<RunningTransactions> {
  const { catalogue } = await packagePlugins(import.meta.dirname, {
    names: ["@mortise/plugins"],
    dir: import.meta.dirname,
  });
  const strategies = new Map<string, TransactionStrategy>();
  for (const name of strategyNames) {
    const plugin = await catalogue.find(({ id }) => id === `transaction/${name}`)?.load();
    if (!plugin) throw new Error(`there is no transaction/${name}`);
    strategies.set(name, (await startPlugin<TransactionStrategy>(plugin)).api);
  }
  const policy = { deadlineMs: undefined, maxInFlight: 1_000, scheduleMs: [1_000], sources: {} };
  const made = transactionsOf({
    options: {
      leaseMs,
      recoverEveryMs: 20,
      recoverBatch: 100,
      driveTimeoutMs: 5_000,
      attempts: 5,
      backoffMs: 2,
      maxBackoffMs: 50,
      redeliverMs: 500,
      maxRedeliverMs: 1_000,
      redeliverAtOnce: 50,
      stuckAfterRounds: 1_000,
      stuckAfterMs: 60_000,
      graceMs: 2_000,
      sweepEveryMs: 100,
      orphanAfterMs: leaseMs,
      relayEveryMs: 50,
      ...{ fenceRetentionDays: 0, pruneEveryMs: 3_600_000 },
      sampleEveryMs: 60_000,
    },
    ports: systemPorts,
    log: silentLog,
    clients: () => services as unknown as Clients, // all that transactions ask of them
    coordinator: () => services.coordinator,
    policies: () => ({ of: () => ({ ...policy, strategy: services.strategy }) }),
    strategies: () => strategies,
    factsOf: (name) => strategies.get(name)?.facts,
    tracer: () => undefined,
    at: () => undefined,
    bus: () => undefined,
    highlyAvailable: false,
  });
  after(() => made.stop());
  return made;
}

/** What may happen to a call or an event on its way. */
export type Fate = "arrives" | "is lost" | "loses its answer";

/** Services that call each other directly, over a way on which a test decides what happens. */
export class Services {
  /** Decides about every call and every event; all arrive unless a test says otherwise. */
  fate: (what: "call" | "event") => Fate = () => "arrives";
  /** What new transactions begin under; one of tcc, saga, xa, 3pc. */
  strategy = "tcc";
  /** Keeps the transactions of all of them. */
  readonly coordinator: Coordinator = keptCoordinator(
    { records: new Map(), ended: [], audits: [], now: () => Math.floor(systemPorts.clock.wall()) },
    10_000,
  );
  readonly #services: Service[] = [];
  readonly #stops: (() => unknown)[] = [];

  async start(plugin: Plugin, deps: Readonly<Record<string, unknown>>, options: unknown = {}): Promise<void> {
    const running = await startPlugin<Service>(plugin, { deps, options });
    this.#services.push(running.api);
    this.#stops.unshift(() => running.stop?.());
  }

  async ready(): Promise<void> {
    for (const service of this.#services) await service.ready?.();
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }

  client<S extends ServiceType>(contract: S): Client<S> {
    const call =
      (name: string, kind: MethodKind) =>
      (request: unknown, context: Context = background) => {
        const answer = () => this.#handler(contract, name)(request as never, context as never);
        return kind === "unary" ? this.#travel(async () => answer()) : answer();
      };
    const methods = Object.entries(contract.methods).map(([name, { kind }]) => [name, call(name, kind)]);
    return Object.fromEntries(methods) as Client<S>;
  }

  publisher<T>(
    topic: TopicType<T>,
  ): (event: T, context?: Context, options?: { readonly id?: string }) => Promise<void> {
    return async (event, context = background, { id = systemPorts.ids.uuid() } = {}) => {
      const fate = this.fate("event");
      if (fate === "is lost") return;
      for (const { handler } of this.#services.flatMap(({ listens }) =>
        listens.filter((one) => one.topic.name === topic.name),
      )) {
        const deliver = () => handler(event as never, Object.assign(Object.create(context), { id, attempt: 1 }));
        await deliver().catch(() => undefined);
        if (fate === "loses its answer") await deliver().catch(() => undefined);
      }
    };
  }

  #handler(contract: ServiceType, name: string): Offer["handlers"][string] {
    const offers = this.#services.flatMap((service) => service.offers);
    const handler = offers.find(({ service }) => service.name === contract.name)?.handlers[name];
    if (!handler) throw new Error(`${contract.name} was not started`);
    return handler;
  }

  async #travel(call: () => Promise<unknown>): Promise<unknown> {
    const fate = this.fate("call");
    const away = new StatusError("UNAVAILABLE", "the test says so");
    if (fate === "is lost") throw away;
    const answer = await call();
    if (fate === "loses its answer") throw away;
    return answer;
  }
}
