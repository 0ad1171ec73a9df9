import { backgroundOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import { participantService } from "../../contract/transaction/participant.ts";
import {
  type Acknowledged,
  acknowledgementTopic,
  branchTopic,
  dueTopic,
  endedTopic,
} from "../../contract/transaction/topics.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Infer, TopicType } from "../../contract/types.ts";
import type { Log } from "../../core/plugin.ts";
import type { Ports } from "../../core/ports.ts";
import type { Bus } from "../../spi/bus.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { Client, Clients, Publish } from "../../spi/runtime.ts";
import type { EventHandler } from "../../spi/service.ts";
import type { Tracer } from "../../spi/tracer.ts";
import type { StrategyFacts, TransactionStrategy } from "../../spi/transaction.ts";
import type { TransactionPolicies } from "../../spi/transaction-policies.ts";
import type { Initiator, Transactions } from "../../spi/transactions.ts";
import { makeWorker } from "../../spi/worker.ts";
import { acknowledging } from "./acknowledging.ts";
import { adminOffer } from "./admin.ts";
import { admission } from "./admission.ts";
import { adopted } from "./adopting.ts";
import { beforehand } from "./beforehand.ts";
import { endsOf } from "./ends.ts";
import { retentionMsOf } from "./fence-retention.ts";
import { freeing } from "./freeing.ts";
import { hosts } from "./hosting.ts";
import { initiatorOf, type Running } from "./initiator.ts";
import type { TransactionNode, TransactionOptions } from "./node.ts";
import { keptNumbers } from "./numbers.ts";
import { pruning } from "./pruning.ts";
import { handOver, recovery } from "./recovery.ts";
import { relayDue } from "./relay.ts";
import { remembering } from "./remembering.ts";
import { resends } from "./resends.ts";
import { type Sweeper, sweepEach } from "./sweep.ts";

export interface TransactionsSetup {
  readonly options: TransactionOptions;
  readonly ports: Ports;
  readonly log: Log;
  readonly clients: () => Clients;
  readonly coordinator: () => Coordinator;
  readonly policies: () => TransactionPolicies;
  readonly strategies: () => ReadonlyMap<string, TransactionStrategy>;
  readonly factsOf: (strategy: string) => StrategyFacts | undefined;
  readonly tracer: () => Tracer | undefined;
  readonly at: (point: string) => Promise<void> | void;
  readonly bus: () => Bus | undefined;
  /** Whether decisions have to survive the loss of the coordinator's server. */
  readonly highlyAvailable: boolean;
}

export interface RunningTransactions extends Transactions {
  /** Logs which transactions are under way whose strategy is not there any more. Never rejects. */
  lookForStranded(): Promise<void>;
  /** Begins nothing more, waits for what is under way within the grace, and leaves the rest to others. */
  stop(): Promise<void>;
}

/** The transactions of one process: those it begins, those it takes over, and the participants it hosts. */
export function transactionsOf(setup: TransactionsSetup): RunningTransactions {
  const { options, ports, log, clients, at } = setup;
  const running = new Map<string, Running>();
  let stopping = false;
  const initiated = new Map<string, AnyTransaction>();
  const initiators = new Map<AnyTransaction, Initiator<never>>();
  const participants = remembered((name) => clients().client(participantService(name)) as Client<ParticipantService>);
  const publishers = remembered((name) => clients().publisher(branchTopic(name)));
  const endings = remembered((name) => clients().publisher(endedTopic(name)));
  const dues = remembered((name) => clients().publisher(dueTopic(name)));
  const publisher = <T>(topic: TopicType<T>): Publish<T> => clients().publisher(topic);
  const ask = (name: string, request: DriveRequest, context: Context) =>
    participants(name).drive(withKeeper(request), context);
  const { driveTimeoutMs } = options;
  const retentionMs = retentionMsOf(options);
  const sweeper: Sweeper = {
    ...{ coordinator: setup.coordinator, factsOf: setup.factsOf, ask, log, at, driveTimeoutMs },
    ...{ told: new Set(), watched: new WeakMap(), tracer: setup.tracer, clock: ports.clock },
  };
  const hosted = hosts({
    ...{ publisher, tracer: setup.tracer, sweeper, at, timers: ports.timers, ids: ports.ids },
    adopts: (gid, origin) => adopted(node, gid, () => origin),
  });

  /** The request with who keeps its transaction; nobody is asked where what its first participant commits is the decision. */
  function withKeeper(request: DriveRequest): DriveRequest {
    const { identity } = setup.coordinator();
    const asksNobody = setup.factsOf(request.strategy)?.ownFirst ?? false;
    return { ...request, ...(identity !== "" && { coordinator: identity }), ...(asksNobody && { asksNobody }) };
  }

  const relaying = makeWorker({
    name: "outboxes of transactions",
    everyMs: options.relayEveryMs,
    ports,
    log,
    work: async () => {
      const scheduleOf = (name: string) => setup.policies().of(name).scheduleMs;
      const more = await Promise.all(hosted.all().map((host) => relayDue(host, { node, scheduleOf, complete })));
      return more.some(Boolean);
    },
  });
  let swept = new AbortController();
  const sweeping = makeWorker({
    name: "sweep of participants",
    everyMs: options.sweepEveryMs,
    ports,
    log,
    work: async () => {
      const how = { reportOnly: false, olderThanMs: options.orphanAfterMs };
      swept = new AbortController();
      const context = backgroundOf(ports).with({ signal: swept.signal });
      await sweepEach(hosted.all(), sweeper, how, context);
      return false;
    },
  });

  const pruner = pruning({
    databases: () => hosted.all().map(({ performer }) => performer.database),
    ...{ coordinator: setup.coordinator, retentionMs, everyMs: options.pruneEveryMs, ports, log },
  });

  const numbers = keptNumbers(
    () => Array.from(running.values(), ({ driver }) => ({ name: driver.transaction.name, strategy: driver.strategy })),
    () => hosted.all().flatMap((host) => host.batches()),
  );
  const sampling = makeWorker({
    name: "numbers of transactions",
    everyMs: options.sampleEveryMs,
    ports,
    log,
    work: async () => {
      const open = initiated.size > 0 ? await setup.coordinator().counts() : [];
      const prepared = hosted.all().map(async ({ performer, prepared }) => ({
        participant: performer.operations.name,
        ...(await prepared.held()),
      }));
      numbers.sampled(open, await Promise.all(prepared));
      return false;
    },
  });

  const ends = endsOf({
    publish: async (end, context) => endings(end.transaction)(end, context, { id: `${end.gid}:end` }),
    ...{ coordinator: setup.coordinator, counters: numbers, log },
  });
  const node: TransactionNode = {
    owner: ports.ids.uuid(),
    options,
    ports,
    log,
    coordinator: setup.coordinator,
    strategy: (name) => setup.strategies().get(name),
    tracer: setup.tracer,
    ask,
    withKeeper,
    hosted: (name) => hosted.get(name),
    initiated,
    publishBranch: (request, id, participant, context) => publishers(participant)(withKeeper(request), context, { id }),
    ends,
    counters: numbers,
    at,
    relayed: relaying.wake,
    due,
    resends: resends(options, ports.clock),
    adopted: remembering(),
  };
  const recovering = recovery(node, running);

  async function due(names: Iterable<string>): Promise<void> {
    const elsewhere = [...new Set(names)].filter((name) => {
      if (stopping || !initiated.has(name)) return true;
      recovering.wake();
      return false;
    });
    const call = backgroundOf(ports).with({ timeoutMs: hintTimeoutMs });
    await Promise.allSettled(elsewhere.map(async (name) => dues(name)({}, call)));
  }

  const { admit, stranded, objections, foresee } = admission({
    clock: ports.clock,
    timers: ports.timers,
    log,
    ...{ strategies: setup.strategies, policies: setup.policies, coordinator: setup.coordinator },
    manifestOf: (name) =>
      hosted.get(name)?.manifest() ??
      participants(name).manifest({}, backgroundOf(ports).with({ timeoutMs: manifestTimeoutMs })),
    performs: (name) => hosted.get(name) !== undefined,
    bus: () => busFor(setup.bus()),
    highlyAvailable: setup.highlyAvailable,
    retentionMs,
  });

  const { acknowledged, complete } = acknowledging({ node, running, hosted, factsOf: setup.factsOf });
  const admin = adminOffer({ node, participant: participants });

  const looking = beforehand({
    ...{ ports, log, policies: setup.policies, factsOf: setup.factsOf, initiated },
    look: foresee,
  });

  const lookForStranded = () => stranded().then(ignored, ignored); // recovery will tell that the coordinator is away
  void lookForStranded();
  recovering.start();
  relaying.start();
  sweeping.start();
  sampling.start();
  pruner.start();
  looking.start();

  return {
    initiator(transaction) {
      const known = initiators.get(transaction);
      if (known) return known as never;
      initiated.set(transaction.name, transaction);
      const made = initiatorOf(transaction, { ...setup, node, running, admit });
      initiators.set(transaction, made as never);
      recovering.wake();
      return made;
    },
    perform: async (performer) => {
      const performing = await hosted.perform(performer);
      relaying.wake();
      return performing;
    },
    free: (operations, database) =>
      freeing(operations, database, { sweeper, ports, orphanAfterMs: options.orphanAfterMs }),
    offers: () => (initiated.size > 0 ? [admin] : []),
    numbers,
    lookForStranded,
    listens: (transaction) => [
      {
        topic: acknowledgementTopic(transaction.name),
        handler: ((ack: Ack) => acknowledged(transaction, ack)) as EventHandler<never>,
      },
      { topic: dueTopic(transaction.name), handler: async () => recovering.wake() },
    ],
    async objections(names, policies, strategies, withinMs) {
      const known = names.flatMap((name) => initiated.get(name) ?? []);
      const found = known.map((one) => objections(one, { policy: policies.of(one.name), strategies }, withinMs));
      return (await Promise.all(found)).flat();
    },
    async stop() {
      stopping = true;
      void looking.stop(); // it changes nothing, and may wait for others
      swept.abort();
      await Promise.all([recovering, relaying, sweeping, sampling, pruner].map((worker) => worker.stop()));
      const all = Promise.all([...running.values()].map(({ over }) => over)).then(ends.quiet);
      const enough = new AbortController();
      await Promise.race([all, ports.timers.sleep(options.graceMs, enough.signal).catch(() => undefined)]);
      enough.abort();
      await handOver(node, running);
    },
  };
}

/** How long the bus may take to take a hint, in milliseconds; without it others find what is due somewhat later. */
const hintTimeoutMs = 1_000;

/** How long a participant may take to tell what it can do, in milliseconds. */
const manifestTimeoutMs = 1_000;

/** Rows stay in the outbox until their receivers are done, whatever the bus says. */
function busFor(bus: Bus | undefined) {
  return bus && { name: "of this app", durable: bus.durable, keptUntilDone: true };
}

type Ack = Infer<typeof Acknowledged>;
type ParticipantService = ReturnType<typeof participantService>;

/** One value per name, made when it is first asked for. */
function remembered<T>(make: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name) ?? make(name);
    known.set(name, found);
    return found;
  };
}

const ignored = () => undefined;
