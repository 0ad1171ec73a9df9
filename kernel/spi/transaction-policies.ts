import { defineSpi } from "../core/spi.ts";

/** What the configuration says about one kind of transactions, with defaults where it says nothing. */
export interface TransactionPolicy {
  /** The strategy that new ones begin with, by its name or alias under `use`; undefined where none is named. */
  readonly strategy: string | undefined;
  /** From the begin to the abort if it is undecided by then, in milliseconds; 0: never; undefined: as the strategy has it. */
  readonly deadlineMs: number | undefined;
  /** At most so many of them are under way in this process; more are refused before they begin. */
  readonly maxInFlight: number;
  /** How long to wait before each further attempt at a notice nobody has to get, in milliseconds; then it is given up. */
  readonly scheduleMs: readonly number[];
  /** By field: the key it comes from, the name of the transaction or `*`; a field that is missing there has its default. */
  readonly sources: Readonly<Record<string, string>>;
}

/** What the configuration says about transactions. It counts for those that begin; what has begun keeps what it began with. */
export interface TransactionPolicies {
  of(transaction: string): TransactionPolicy;
}

export const transactionPolicies = defineSpi<TransactionPolicies>("transaction-policies", {
  kind: "one",
  fallback: "config",
});
