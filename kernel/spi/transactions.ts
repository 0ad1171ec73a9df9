import type { Context } from "../call/context.ts";
import type { OperationsType, OperationType, ParticipantType } from "../contract/transaction/operation.ts";
import { participantService } from "../contract/transaction/participant.ts";
import type { AnyTransaction, Steps, TransactionType } from "../contract/transaction/transaction.ts";
import { type Derived, derived } from "../core/needs.ts";
import { defineSpi } from "../core/spi.ts";
import type { AbortReason } from "./coordinator.ts";
import type { TransactionMetricsSource } from "./metrics.ts";
import type { Performer } from "./perform.ts";
import type { Listening, Offer } from "./service.ts";
import type { Database } from "./store.ts";
import type { StrategyFacts } from "./transaction.ts";
import type { TransactionPolicies } from "./transaction-policies.ts";

/** What a transaction takes in. */
export type InputOfTransaction<T> = T extends TransactionType<infer I, infer _, infer __> ? I : never;

type StepsOf<T> = T extends { readonly steps: infer S extends Steps } ? S : never;
type OutputOf<Op> = Op extends OperationType<infer _, infer O> ? O : never;

/** The outputs of a transaction by step; those of steps after the commit may still be missing. */
export type OutputsOfTransaction<T, S extends Steps = StepsOf<T>> = {
  readonly [K in keyof S as S[K]["facts"]["afterCommit"] extends true ? never : K]: OutputOf<S[K]["operation"]>;
} & {
  readonly [K in keyof S as S[K]["facts"]["afterCommit"] extends true ? K : never]?: OutputOf<S[K]["operation"]>;
};

/**
 * How a transaction stands, whatever strategy drives it.
 * - `committed`: it is or will be done, as a whole.
 * - `aborted`: nothing of it is or will be left.
 * - `pending`: neither is certain yet; `wait` tells.
 */
export type TransactionOutcome<T> =
  | { readonly status: "committed"; readonly gid: string; readonly outputs: OutputsOfTransaction<T> }
  | { readonly status: "aborted"; readonly gid: string; readonly abort: AbortReason }
  | { readonly status: "pending"; readonly gid: string };

export interface RunOptions {
  /** The same key gives the same transaction, and its outcome, however often it is run. Default: one of its own. */
  readonly key?: string;
  /** Its deadline bounds how long the answer is waited for, not the transaction. */
  readonly context?: Context;
  /** `settled` waits until nothing is left to do. Default `decided`. */
  readonly until?: "decided" | "settled";
}

export interface WaitOptions {
  /** Then the answer is `pending`. Default: as long as the context lasts. */
  readonly timeoutMs?: number;
  readonly context?: Context;
}

/** Runs one kind of transactions. */
export interface Initiator<T extends AnyTransaction> {
  /** Rejects with a StatusError only where nothing was begun. */
  run(input: InputOfTransaction<T>, options?: RunOptions): Promise<TransactionOutcome<T>>;
  /** Waits for one that was begun, here or elsewhere. Rejects with NOT_FOUND for a gid nobody knows. */
  wait(gid: string, options?: WaitOptions): Promise<TransactionOutcome<T>>;
}

/** A participant that is hosted in this process. */
export interface Performing {
  /** How coordinators reach it; to be served. */
  readonly offer: Offer;
  /** How the bus reaches it. */
  readonly listens: readonly Listening[];
  /** Takes on nothing more and waits for what is under way. */
  stop(): Promise<void>;
}

/** Goes on until it is stopped. */
export interface Freeing {
  stop(): void;
}

/** Why transactions of one name cannot be driven under a policy. */
export interface Objection {
  /** Of a rule, for example DTX008. */
  readonly code: string;
  readonly transaction: string;
  /** What is wrong, what to do, and which strategies would do. */
  readonly message: string;
  /** The field of the policy that is to blame before the strategy is, where somebody has written it. */
  readonly field?: string;
}

/** Everything about transactions in this process. */
export interface Transactions {
  initiator<T extends AnyTransaction>(transaction: T): Initiator<T>;
  /** Hosts a participant. Its successor may be there before the one it replaces has stopped. */
  perform(performer: Performer): Promise<Performing>;
  /**
   * Ends what waits prepared in a database and is decided, again and again, for whoever needs rows of it before the participant
   * is hosted: nobody else can be asked to. Resolves when that was tried once, or takes too long.
   */
  free(operations: OperationsType, database: Database): Promise<Freeing>;
  /** What exporters read. */
  readonly numbers: TransactionMetricsSource;
  /** What this process serves for people once it begins transactions. */
  offers(): readonly Offer[];
  /** How this process hears what became of branches a transaction sent over the bus, and that some of its kind are due. */
  listens(transaction: AnyTransaction): readonly Listening[];
  /**
   * What speaks against beginning these transactions under these policies and strategies, as far as participants of this
   * process know, and others and the coordinator tell within so many milliseconds. Begins nothing; says nothing about
   * transactions it does not know.
   */
  objections(
    names: readonly string[],
    policies: TransactionPolicies,
    strategies: ReadonlyMap<string, StrategyFacts>,
    withinMs: number,
  ): Promise<readonly Objection[]>;
}

export const transactions = defineSpi<Transactions>("transactions", { kind: "one", fallback: "runtime" });

/** What a need made by {@link initiates} tells about itself before anything runs. */
export interface Initiates<T extends AnyTransaction = AnyTransaction> {
  readonly initiates: T;
  /** The participants of the transaction. */
  readonly calls: readonly ParticipantType[];
}

/** A need: runs a transaction under the strategy the configuration names for it. */
export function initiates<T extends AnyTransaction>(transaction: T): Derived<Initiator<T>> & Initiates<T> {
  const names = Object.values(transaction.steps).map(({ operation }) => operation.participant);
  return {
    ...derived(transactions, (api) => api.initiator(transaction)),
    initiates: transaction,
    calls: [...new Set(names)].map(participantService),
  };
}
