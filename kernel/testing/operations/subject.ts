import type { Arbitrary } from "fast-check";
import type { OperationsType, OperationType } from "../../contract/transaction/operation.ts";
import type { Performances, TransactionHandle } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";

type InputOf<Op> = Op extends OperationType<infer I> ? I : never;

/** Operations that act on the participant's database; only these can be tested here. */
type LocalName<O extends OperationsType> = {
  [K in keyof O["operations"]]: O["operations"][K]["facts"]["acts"] extends "external" ? never : K;
}[keyof O["operations"]];

/** A database of a test, and how to remove it. */
export interface OpenedDatabase {
  readonly database: Database;
  end?(): Promise<void> | void;
}

/** Operations of a participant, and what is needed to try them. */
export interface OperationsSubject<O extends OperationsType = OperationsType, S = unknown> {
  readonly operations: O;
  /** As in the setup of the service. It is given the database for what the service keeps of it. */
  perform(database: Database): Performances<O>;
  /** Opens a database with the tables of the service, which nobody else uses. */
  on(): Promise<OpenedDatabase>;
  /** What the operations are asked for. Some of it must be accepted. */
  readonly inputs: { readonly [K in LocalName<O>]: Arbitrary<InputOf<O["operations"][K]>> };
  /** Makes what an input needs to be accepted, for example the order that is to be called off. */
  readonly given?: {
    readonly [K in LocalName<O>]?: (tx: TransactionHandle, input: InputOf<O["operations"][K]>) => Promise<void>;
  };
  /** All that counts, in a fixed order: levels, balances, states. Leave out what may differ, such as serial numbers. */
  observe(tx: TransactionHandle): Promise<S>;
  /** What there is after `apply` and `undo`, where that is not what there was before. */
  readonly undoLeaves?: {
    readonly [K in LocalName<O>]?: (before: S, input: InputOf<O["operations"][K]>) => S;
  };
  /** Inputs per law. Default: 10. */
  readonly runs?: number;
}

/** The same with its types erased. */
export interface AnySubject {
  readonly operations: OperationsType;
  perform(database: Database): Performances;
  on(): Promise<OpenedDatabase>;
  readonly inputs: Readonly<Record<string, Arbitrary<unknown>>>;
  readonly given?: Readonly<Record<string, (tx: TransactionHandle, input: unknown) => Promise<void>>>;
  observe(tx: TransactionHandle): Promise<unknown>;
  readonly undoLeaves?: Readonly<Record<string, (before: unknown, input: unknown) => unknown>>;
  readonly runs?: number;
}
