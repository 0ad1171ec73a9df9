import type { TransactionSql } from "postgres";
import type { Context } from "../call/context.ts";
import type { OperationsType, OperationType } from "../contract/transaction/operation.ts";
import type { Database, Orm } from "./store.ts";

/** One transaction of a participant's database, as drizzle and as postgres.js see it: what one writes the other reads. */
export interface TransactionHandle {
  readonly orm: Parameters<Parameters<Orm["transaction"]>[0]>[0];
  /** As the `sql` of a store, but that dates come as text, and JSON goes as text: drizzle shares the connection. */
  readonly sql: TransactionSql<{ bigint: bigint }>;
}

/** Says no for a business reason: nothing of the operation stays, and the transaction is aborted. */
export type Reject<R extends string> = (
  reason: R,
  message?: string,
  details?: Readonly<Record<string, string>>,
) => never;

/** What an operation receives beside its input. */
export interface BranchContext<R extends string = string> extends Context {
  /** The transaction it works for; the same in every repetition. */
  readonly gid: string;
  readonly step: string;
  /** Throws. Only reasons the operation declares; what makes final or takes back has none, for it must succeed. */
  readonly reject: Reject<R>;
}

/** The same for an operation on something outside the database. */
export interface ExternalContext<R extends string = string> extends BranchContext<R> {
  /** To be sent along: the same in every repetition of the same call, and in no other. */
  readonly idempotencyKey: string;
}

type Input<Op> = Op extends OperationType<infer I> ? I : never;
type Output<Op> = Op extends OperationType<infer _, infer O> ? O : never;
type Rejects<Op extends OperationType> = Op["facts"]["rejects"][number];

/** A function that is there exactly when a fact is declared; where the fact is not known, it may be there. */
type When<Declared extends boolean, K extends string, F> = [Declared] extends [true]
  ? { readonly [P in K]: F }
  : [Declared] extends [false]
    ? { readonly [P in K]?: never }
    : { readonly [P in K]?: F };

/** One of several reservations that are made together. */
export interface ReserveItem<I> {
  readonly gid: string;
  readonly step: string;
  readonly input: I;
}

/** One of several reservations that are made final, or given back, together. */
export interface FinishItem<I, O> extends ReserveItem<I> {
  readonly output: O;
}

/** The answer to one of several reservations. */
export type ReserveAnswer<O, R extends string = string> =
  | { readonly output: O }
  | {
      readonly reject: {
        readonly reason: R;
        readonly message?: string;
        readonly details?: Readonly<Record<string, string>>;
      };
    };

interface LocalFunctions<I, O, R extends string> {
  /** Checks, and sets aside what is needed. */
  reserve(tx: TransactionHandle, input: I, call: BranchContext<R>): Promise<O>;
  /** Makes final what was set aside, from that alone. */
  confirm(tx: TransactionHandle, input: I, output: O, call: BranchContext<never>): Promise<void>;
  /** Gives back what was set aside. */
  cancel(tx: TransactionHandle, input: I, output: O, call: BranchContext<never>): Promise<void>;
  /** The same as `reserve` and `confirm` in a row, with fewer writes. Default: those two. */
  apply?(tx: TransactionHandle, input: I, call: BranchContext<R>): Promise<O>;
  /** Says whether `reserve` would succeed; what it writes is undone. Default: `reserve`, undone. */
  check?(tx: TransactionHandle, input: I, call: BranchContext<R>): Promise<void>;
  /** Reserves for several transactions at once: one answer per item, in their order. */
  reserveMany?(
    tx: TransactionHandle,
    items: readonly ReserveItem<I>[],
    call: Context,
  ): Promise<readonly ReserveAnswer<O, R>[]>;
  confirmMany?(tx: TransactionHandle, items: readonly FinishItem<I, O>[], call: Context): Promise<void>;
  cancelMany?(tx: TransactionHandle, items: readonly FinishItem<I, O>[], call: Context): Promise<void>;
}

type UndoLocal<I, O> = (tx: TransactionHandle, input: I, output: O, call: BranchContext<never>) => Promise<void>;

/** What an operation does that acts on one database. All of it happens through `tx`. */
export type LocalOperation<Op extends OperationType = OperationType> = LocalFunctions<
  Input<Op>,
  Output<Op>,
  Rejects<Op>
> &
  When<Op["facts"]["undo"], "undo", UndoLocal<Input<Op>, Output<Op>>>;

/** What is known outside about an operation. `none`: nothing yet; what is still under way may come later. */
export type ExternalState<O> =
  | { readonly state: "none" | "cancelled" | "undone" }
  | { readonly state: "reserved" | "confirmed"; readonly output: O };

interface ExternalFunctions<I, O, R extends string> {
  /** Sets aside, for example authorises a payment. */
  reserve(input: I, call: ExternalContext<R>): Promise<O>;
  /** Makes it final, for example captures. */
  confirm(input: I, output: O, call: ExternalContext<never>): Promise<void>;
  /** Gives it back, for example voids. */
  cancel(input: I, output: O, call: ExternalContext<never>): Promise<void>;
  /** Asks how it stands, after an answer was lost or before it is taken back; `idempotencyKey` is that of `reserve`. */
  query(input: I, call: ExternalContext<never>): Promise<ExternalState<O>>;
}

type UndoExternal<I, O> = (input: I, output: O, call: ExternalContext<never>) => Promise<void>;

/** What an operation does that acts on something that knows idempotency keys. */
export type ExternalOperation<Op extends OperationType = OperationType> = ExternalFunctions<
  Input<Op>,
  Output<Op>,
  Rejects<Op>
> &
  When<Op["facts"]["undo"], "undo", UndoExternal<Input<Op>, Output<Op>>>;

type Performance<Op extends OperationType> = Op["facts"]["acts"] extends "external"
  ? ExternalOperation<Op>
  : LocalOperation<Op>;

/** What each of the operations of a participant does. */
export type Performances<O extends OperationsType = OperationsType> = {
  readonly [K in keyof O["operations"]]: Performance<O["operations"][K]>;
};

/** Any performance, its types erased: which of the two it is, the operation's `facts.acts` says. */
export type AnyPerformance = LocalOperation | ExternalOperation;

/** A participant as its service hands it over. */
export interface Performer {
  readonly operations: OperationsType;
  /** Where its local operations act, and where the fence and the results of all are kept. */
  readonly database: Database;
  /** By name of the operation; all of them. */
  readonly perform: Readonly<Record<string, AnyPerformance>>;
}
