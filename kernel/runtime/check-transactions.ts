import { builtInStrategies, type StrategyFacts } from "../contract/transaction/strategy.ts";
import type { AnyTransaction } from "../contract/transaction/transaction.ts";
import type { ConfigPath, Location, Problem } from "../core/config.ts";
import { nearest } from "../core/nearest.ts";
import type { Plan, Step } from "../core/plan.ts";
import { locationOf } from "../core/problems.ts";
import { type CoordinatorFacts, coordinator } from "../spi/coordinator.ts";
import type { ServiceFacts } from "../spi/service.ts";
import { type StoreFacts, store } from "../spi/store.ts";
import { type TransactionPolicy, transactionPolicies } from "../spi/transaction-policies.ts";
import { type Initiates, transactions } from "../spi/transactions.ts";
import { retentionMsOf } from "./transaction/fence-retention.ts";
import { honestStrategies, type KnownStrategies, transactionProblems } from "./transaction/honesty.ts";
import type { TransactionOptions } from "./transaction/node.ts";
import type { RuleWorld, ServerRoom } from "./transaction/rule.ts";
import { transactionCodes } from "./transaction/rule-codes.ts";
import { type TransactionTable, transactionPolicyOf } from "./transaction-policy.ts";

const builtIn: KnownStrategies = new Map(Object.entries(builtInStrategies));

/** A transaction that something in a plan begins. */
export interface Initiated {
  readonly transaction: AnyTransaction;
  readonly by: readonly Step[];
}

/** What is wrong with the transactions of an app, and what in its configuration has no effect. */
export interface TransactionsChecked {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** What is known about a configuration besides what it says. */
export interface TransactionsBackground {
  /** The names of all strategies that could be used. */
  readonly installed?: readonly string[];
  /** Where one of its layers takes away what is at a path. */
  readonly takenAway?: (path: ConfigPath) => Location | undefined;
}

/** The transactions that plugins of a plan begin, by name. */
export function initiatedIn({ steps }: Pick<Plan, "steps">): ReadonlyMap<string, Initiated> {
  const found = new Map<string, Initiated>();
  for (const step of steps.values()) {
    for (const { initiates } of Object.values(step.plugin.needs) as readonly Partial<Initiates>[]) {
      if (!initiates) continue;
      const { transaction = initiates, by = [] } = found.get(initiates.name) ?? {};
      found.set(initiates.name, { transaction, by: [...new Set([...by, step])] });
    }
  }
  return found;
}

/** The strategies of a plan, by name or alias. */
export function strategiesIn({ serving, steps }: Plan): KnownStrategies {
  const entries = (serving.get("transaction") ?? []).flatMap(({ alias, step }) => {
    const plugin = steps.get(step)?.plugin;
    return plugin ? [[alias, plugin.facts as unknown as StrategyFacts] as const] : [];
  });
  return new Map(entries);
}

/** The strategies that would be honest about a transaction of a plan. */
export function honestIn(plan: Plan, transaction: AnyTransaction): readonly string[] {
  return honestStrategies(transaction, strategiesIn(plan), worldOf(plan));
}

/**
 * Checks every transaction that begins here against the strategy it is to begin with, as far as that is known before anything
 * runs; and that two transactions of one name are one. Where not the configuration but another plugin names strategies, they
 * are judged at the first begin. Pure.
 */
export function checkTransactions(
  plan: Plan,
  table: TransactionTable,
  { installed = [], takenAway = () => undefined }: TransactionsBackground = {},
): TransactionsChecked {
  const initiated = initiatedIn(plan);
  const world = { ...worldOf(plan), installed: new Set(installed) };
  const strategies = strategiesIn(plan);
  const told = saidElsewhere(plan) ? [] : [...initiated.values()];
  const problems = told.flatMap(({ transaction, by }) => {
    const policy = transactionPolicyOf(table, transaction.name);
    const known = policy.strategy === undefined && strategies.size === 0 ? builtIn : strategies; // to tell what could be named
    const away =
      policy.strategy === undefined
        ? strategyPaths(transaction.name).flatMap((path) => takenAway(path) ?? [])[0]
        : undefined;
    return transactionProblems(transaction, policy, known, world).map(
      ({ code, message, field }): Problem => ({
        code,
        message,
        path: pathOf(policy, field, by),
        ...(away && { location: away }),
      }),
    );
  });
  const located = (found: readonly Problem[]) =>
    found.map((one) => ({ ...one, location: one.location ?? locationOf(plan.config.locate, one.path) }));
  return { problems: located([...problems, ...twins(plan)]), warnings: located(unused(table, initiated)) };
}

function saidElsewhere({ serving, steps }: Plan): boolean {
  const [source] = serving.get("transaction-policies") ?? [];
  const plugin = source && steps.get(source.step)?.plugin;
  return plugin !== undefined && plugin.name !== transactionPolicies.fallback;
}

function strategyPaths(transaction: string): readonly ConfigPath[] {
  return [transaction, "*"].map((key) => ["transactions", key, "strategy"]);
}

/** Where the configuration says what a problem is about; where it says nothing, who begins the transaction. */
function pathOf({ sources }: TransactionPolicy, field: string | undefined, by: readonly Step[]): ConfigPath {
  return saidAt(sources, field) ?? by[0]?.path ?? ["services"];
}

/** Where the configuration says what a problem is about, a field if one is to blame, or the strategy; nothing where it says neither. */
export function saidAt(sources: TransactionPolicy["sources"], field = "strategy"): ConfigPath | undefined {
  const fields = [field, "strategy"];
  const [first] = fields.flatMap((field) => (sources[field] === undefined ? [] : [[sources[field], field] as const]));
  return first && ["transactions", ...first];
}

function worldOf({ steps }: Plan) {
  const performed = [...steps.values()].flatMap(({ plugin }) => (plugin.facts as Partial<ServiceFacts>).performs ?? []);
  const performedHere = new Set(performed.map(({ name }) => name));
  return { performedHere, ...retentionsIn(steps), rooms: roomsIn(steps) };
}

/** Where the operations of services are performed: in databases of the only store the service needs, if that says where those are. */
function roomsIn(steps: Plan["steps"]): ReadonlyMap<string, ServerRoom> {
  const rooms = [...steps.values()].flatMap(({ plugin, needs }) => {
    const stores = Object.values(needs).flatMap(({ shape, providers }) => (shape.spi.id === store.id ? providers : []));
    const [server, ...others] = new Set(stores.map(({ step }) => step));
    const serving = server === undefined || others.length > 0 ? undefined : steps.get(server);
    const { preparedTransactions: asked } = (serving?.plugin.facts ?? {}) as StoreFacts;
    const preparedTransactions = asked?.(serving?.options as never);
    if (server === undefined || preparedTransactions === undefined) return [];
    const { performs = [] } = plugin.facts as Partial<ServiceFacts>;
    return performs.map(({ name }) => [name, { server, preparedTransactions }] as const);
  });
  return new Map(rooms);
}

/** How long fences and the coordinator keep what has ended; nothing where what runs here does not say. */
function retentionsIn(steps: Plan["steps"]): Pick<RuleWorld, "retentionMs" | "keepsEndedMs"> {
  const stepOf = (spi: { readonly id: string }) => [...steps.values()].find(({ plugin }) => plugin.spi.id === spi.id);
  const [runs, keeps] = [stepOf(transactions), stepOf(coordinator)];
  const { keepsEndedMs } = (keeps?.plugin.facts ?? {}) as CoordinatorFacts;
  return {
    retentionMs: retentionMsOf((runs?.options ?? {}) as Partial<TransactionOptions>),
    keepsEndedMs: keepsEndedMs?.(keeps?.options as never),
  };
}

/** Different transactions of one name: what one began the other would go on with. */
function twins({ steps }: Plan): Problem[] {
  const first = new Map<string, { readonly transaction: AnyTransaction; readonly key: string }>();
  return [...steps.values()].flatMap(({ plugin, key, path }) =>
    (Object.values(plugin.needs) as readonly Partial<Initiates>[]).flatMap(({ initiates }): Problem[] => {
      if (!initiates) return [];
      const other = first.get(initiates.name) ?? { transaction: initiates, key };
      first.set(initiates.name, other);
      if (other.transaction === initiates) return [];
      const message = `${key} begins another transaction ${initiates.name} than ${other.key}. ${transactionCodes.DTX020}`;
      return [{ code: "DTX020", message, path }];
    }),
  );
}

function unused(table: TransactionTable, initiated: ReadonlyMap<string, Initiated>): Problem[] {
  return Object.keys(table).flatMap((name) => {
    const near = name === "*" || initiated.has(name) ? undefined : nearest(name, initiated.keys());
    if (near === undefined) return [];
    const message = `no service here begins a transaction ${name}. Did you mean ${near}?`;
    return [{ code: "TRANSACTION_UNUSED", message, path: ["transactions", name] }];
  });
}
