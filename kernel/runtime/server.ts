import type { ServiceType } from "../contract/types.ts";
import { reasonOf } from "../core/errors.ts";
import type { Generation, Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Exposure, Listener } from "../spi/protocol.ts";
import type { Serializer } from "../spi/serializer.ts";
import type { Server } from "../spi/server.ts";
import type { Service } from "../spi/service.ts";
import { checkCarried, type Exposures, exposures } from "./exposure.ts";
import { type Listeners, listeners } from "./listeners.ts";
import type { Named } from "./parts.ts";
import {
  compileDelivery,
  compileProvider,
  deliveryBasis,
  deliveryPath,
  type ProviderParts,
  type ProviderSetup,
  providerBasis,
} from "./provider.ts";
import { type Activity, activity } from "./quiet.ts";
import { type Registrations, registrations } from "./registrations.ts";
import { type InstanceFacts, instancesOf, type ServerState } from "./server-state.ts";
import { type Subscriptions, subscriptions } from "./subscriptions.ts";

export interface RuntimeServerOptions extends Omit<InstanceFacts, "process" | "startedAt"> {
  /** How long requests in flight may take to end when the process stops, in milliseconds. */
  readonly graceMs: number;
  /** How long a start waits for the registry, in milliseconds; it then goes on and registers when it can. */
  readonly registerWaitMs: number;
  /** Wait before a registry that refused is asked again, in milliseconds. */
  readonly registerRetryMs: number;
}

export interface RuntimeServerSetup {
  readonly options: RuntimeServerOptions;
  readonly ports: Ports;
  readonly log: Log;
  readonly generation: () => Generation;
  /** What serves now; read whenever a path is compiled. */
  readonly parts: () => ProviderParts;
}

/** A server on its way through the generations. */
export interface RuntimeServer extends Server {
  /** Listens, warms up, registers, subscribes, opens doors. If anything fails, nothing stays. */
  start(state: ServerState): Promise<void>;
  /** Does what may fail about a state to come. Rejects without having changed anything. */
  prepare(next: ServerState): Promise<PreparedServer>;
  /** Closes doors, withdraws, waits for requests in flight, stops listening. */
  stop(): Promise<void>;
}

export interface PreparedServer {
  flipped(drained: Promise<void>): Promise<void>;
  undo(): Promise<void>;
}

/** The parts of a running server. */
interface Machine {
  /** What it is now; nothing before its start and after its end. */
  state: ServerState | undefined;
  readonly setup: RuntimeServerSetup;
  readonly provider: ProviderSetup;
  readonly exposures: Exposures;
  /** Every contract that was offered so far, by name. */
  readonly offered: Map<string, ServiceType>;
  readonly listeners: Listeners;
  readonly registrations: Registrations;
  readonly subscriptions: Subscriptions;
  readonly activity: Activity;
  readonly facts: InstanceFacts;
}

export function runtimeServer(setup: RuntimeServerSetup): RuntimeServer {
  const machine = machineOf(setup);
  const stop = async () => {
    const { state } = machine;
    machine.state = undefined;
    await stopAll(machine, state);
  };
  return {
    get endpoints() {
      return [...machine.listeners.addresses].map(([protocol, address]) => ({ protocol, address }));
    },
    get services() {
      return [...(machine.state?.offers.services.keys() ?? [])].sort();
    },
    async start(state) {
      machine.state = state;
      try {
        await startAll(machine, state);
      } catch (error) {
        await stop();
        throw error;
      }
    },
    async prepare(next) {
      const prepared = await prepareListeners(machine, next);
      return {
        async flipped(drained) {
          const before = machine.state ?? next;
          machine.state = next;
          await goAlong(machine, { before, next, retired: prepared.commit(), drained });
        },
        undo: () => prepared.undo(),
      };
    },
    stop,
  };
}

function machineOf(setup: RuntimeServerSetup): Machine {
  const { options, ports, log, generation, parts } = setup;
  const { weight, zone, version, tags } = options;
  const busy = activity(ports.timers);
  const provider = { ports, log, ids: ports.ids, generation, parts, inFlight: busy };
  return {
    state: undefined,
    setup,
    provider,
    exposures: exposures(provider),
    offered: new Map(),
    listeners: listeners(),
    registrations: registrations(
      { retryMs: options.registerRetryMs, waitMs: options.registerWaitMs },
      ports.timers,
      log,
    ),
    subscriptions: subscriptions(({ by, topic }) => deliveryPath(by, topic, provider)),
    activity: busy,
    facts: { process: ports.ids.hex(8), weight, zone, version, tags, startedAt: ports.clock.wall() },
  };
}

async function startAll(machine: Machine, state: ServerState): Promise<void> {
  const prepared = await prepareListeners(machine, state);
  prepared.commit();
  warmUp(machine, state);
  await register(machine, state);
  await machine.subscriptions.become(state.subscriptions);
  await openDoors(state.services);
}

function prepareListeners(machine: Machine, state: ServerState) {
  const { listeners, setup } = machine;
  checkCarried(state.offers, state.protocols);
  const { services } = state.offers;
  const exposure = exposed(machine, contractsOf(state), state.serializers);
  const protocols = services.size > 0 ? state.protocols : new Map();
  return listeners.prepare(protocols, exposure, setup.options.graceMs);
}

/** Compiles every path and codec once, so that mistakes show before anybody calls and the first call is not the slowest. */
function warmUp({ provider }: Machine, { offers, serializers }: ServerState): void {
  const parts = provider.parts();
  for (const { contract } of offers.services.values()) {
    for (const method of Object.values(contract.methods)) {
      compiled(method.path, () => compileProvider(method, providerBasis(method, parts), provider));
      for (const serializer of serializers.values()) {
        serializer.codec(method.input);
        serializer.codec(method.output);
      }
    }
  }
  for (const { by, topic } of offers.listens.values())
    compiled(topic.name, () => compileDelivery(by, topic, deliveryBasis(by, topic, parts), provider));
}

function compiled(what: string, compile: () => unknown): void {
  try {
    compile();
  } catch (cause) {
    throw new Error(`${what} cannot be served: ${reasonOf(cause)}`, { cause });
  }
}

async function register({ listeners, registrations, facts }: Machine, state: ServerState): Promise<void> {
  const instances = instancesOf(state, listeners.addresses, facts);
  await Promise.all(instances.map((instance) => registrations.add(state.registry, instance)));
}

async function openDoors(services: Iterable<readonly [string, Service]>): Promise<void> {
  for (const [, service] of services) await service.ready?.();
}

interface Flip {
  readonly before: ServerState;
  readonly next: ServerState;
  readonly retired: readonly Listener[];
  readonly drained: Promise<void>;
}

/** What changes right after a flip, and what has to wait until the last call of the old generation has ended. */
async function goAlong(machine: Machine, { before, next, retired, drained }: Flip): Promise<void> {
  const { offered, listeners, registrations, subscriptions, setup } = machine;
  const { graceMs } = setup.options;
  const attempt = attempting(setup.log);
  const both = new Set([...contractsOf(before), ...contractsOf(next)]);
  const serializers = new Map([...before.serializers, ...next.serializers]); // calls of the old generation still use theirs
  for (const contract of both) offered.set(contract.name, contract);
  await attempt("offer the services", () => listeners.update(exposed(machine, both, serializers)));
  await registrations.select(({ service }) => !next.offers.services.has(service)).withdraw();
  await attempt("register", () => register(machine, next));
  const { addresses } = listeners;
  const old = registrations.select(
    ({ protocol, address }, registry) => registry !== next.registry || addresses.get(protocol) !== address,
  );
  await attempt("subscribe", () => subscriptions.become(next.subscriptions));
  const fresh = [...next.services].filter(([name, service]) => before.services.get(name) !== service);
  const gone = [...before.services].filter(([name, service]) => next.services.get(name) !== service);
  for (const [name, service] of fresh) await attempt(`open service/${name}`, async () => service.ready?.());
  await closeDoors(gone, machine, graceMs);
  await drained;
  await old.withdraw();
  await Promise.all(retired.map((listener) => attempt("close a listener", () => listener.close(graceMs))));
  const now = machine.state ?? next;
  await attempt("offer the services", () => listeners.update(exposed(machine, contractsOf(now), now.serializers)));
}

async function closeDoors(
  services: Iterable<readonly [string, Service]>,
  { setup }: Machine,
  withinMs: number,
): Promise<void> {
  const attempt = attempting(setup.log);
  const { timers } = setup.ports;
  await Promise.all(
    Array.from(services, ([name, service]) =>
      attempt(`close the door of service/${name}`, async () => {
        if (!service.closing) return;
        const limit = new AbortController();
        const late = timers.sleep(withinMs, limit.signal).catch(() => undefined);
        await Promise.race([service.closing(), late]);
        limit.abort();
      }),
    ),
  );
}

/** First whoever brings in work from outside, then the registrations, and the listeners last: what is in flight may need them. */
async function stopAll(machine: Machine, state: ServerState | undefined): Promise<void> {
  const { registrations, subscriptions, activity, listeners, setup } = machine;
  const { clock } = setup.ports;
  const end = clock.now() + setup.options.graceMs;
  const left = () => Math.max(0, end - clock.now());
  const attempt = attempting(setup.log);
  if (state) await closeDoors(state.services, machine, left() / 2);
  await registrations.select(() => true).withdraw();
  await attempt("end the subscriptions", () => subscriptions.become([]));
  await activity.quiet(left() / 2);
  await listeners.close(left());
}

/** What listeners offer, beside what they have offered before. */
function exposed(
  { exposures, offered }: Machine,
  contracts: Iterable<ServiceType>,
  serializers: Named<Serializer>,
): Exposure {
  const all = [...contracts];
  const names = new Set(all.map(({ name }) => name));
  const gone = [...offered.values()].filter(({ name }) => !names.has(name));
  return exposures.of(all, serializers, gone);
}

function contractsOf({ offers }: ServerState) {
  return [...offers.services.values()].map(({ contract }) => contract);
}

/** What has gone wrong after a flip cannot be undone; it is told, and everything else goes on. */
function attempting(log: Log): (what: string, work: () => Promise<void>) => Promise<void> {
  return async (what, work) => {
    try {
      await work();
    } catch (error) {
      log.error(`the server could not ${what}`, { error: String(error) });
    }
  };
}
