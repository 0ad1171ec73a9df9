import { z } from "zod";
import type { TransactionPolicy } from "../spi/transaction-policies.ts";

/** Fields by transaction, as the configuration has them; `*` is for all that say nothing themselves. */
export type TransactionTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

/** In force where nothing is said. */
export const transactionDefaults = Object.freeze({
  maxInFlight: 10_000,
  scheduleMs: Object.freeze([seconds, 10 * seconds, minutes, 10 * minutes, hours, 6 * hours]),
});

/** The fields of a transaction, each with what it takes. */
export const transactionFields = {
  strategy: z.string().min(1).describe("The transaction plugin that drives new ones"),
  deadlineMs: z
    .int()
    .min(0)
    .describe(
      "From the begin to the abort if it is undecided by then, in milliseconds; 0: never. Default: as the strategy has it",
    ),
  maxInFlight: z
    .int()
    .min(1)
    .describe("At most so many are under way in this process; more are refused before they begin. Default 10000"),
  scheduleMs: z
    .array(z.int().min(0))
    .min(1)
    .describe(
      "Strategy best-effort: how long to wait before each further attempt, in milliseconds, before it is given up. Default 1 s, 10 s, 1 min, 10 min, 1 h, 6 h",
    ),
} as const;

type Fields = Partial<Pick<TransactionPolicy, keyof typeof transactionFields>>;

/** What a key of the table may be: `*`, or the name of a transaction. */
export function isTransactionKey(key: string): boolean {
  return key === "*" || /^[a-z][a-zA-Z0-9]*$/.test(key);
}

/** What holds for a transaction: for each field what is said of it by name, else what `*` says, else the default. */
export function transactionPolicyOf(table: TransactionTable, transaction: string): TransactionPolicy {
  const given: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of ["*", transaction]) {
    for (const [field, value] of Object.entries((Object.hasOwn(table, key) && table[key]) || {})) {
      given[field] = value;
      sources[field] = key;
    }
  }
  const { strategy, deadlineMs, maxInFlight, scheduleMs } = given as Fields; // checked when the configuration was read
  return Object.freeze({
    strategy,
    deadlineMs,
    maxInFlight: maxInFlight ?? transactionDefaults.maxInFlight,
    scheduleMs: Object.freeze([...(scheduleMs ?? transactionDefaults.scheduleMs)]),
    sources: Object.freeze(sources),
  });
}
