import type { Sql, TransactionSql } from "postgres";
import { codeOfError } from "./explain.ts";
import type { PreparedTexts } from "./prepared-texts.ts";

/** The part of a query of postgres.js 3.4 that is not in its types and that this depends on; the tests would notice a change. */
interface Query extends Promise<unknown> {
  /** Sends it; by then it is known how its result is wanted. */
  handler(query: Query): void;
  readonly strings: readonly string[];
  readonly args: readonly unknown[];
  readonly options: { prepare?: boolean; simple?: boolean; onexecute?: () => boolean };
  readonly cursorFn?: unknown;
  /** Whether it was sent to a statement that was there. */
  readonly prepared?: boolean;
  readonly statement?: { readonly types: readonly number[] } | null;
}
interface Client {
  unsafe(...given: unknown[]): unknown;
  begin?(...given: unknown[]): unknown;
  savepoint?(...given: unknown[]): unknown;
}
type Work = (tx: TransactionSql) => unknown;

/**
 * Prepares what a client is told to send with `unsafe` and parameters, as drizzle does with every query, when `texts` says so;
 * in its transactions and savepoints, too. What is to be prepared anyway stays so. Changes the client it is given.
 */
export function prepareFrequent<S extends Sql<never> | Sql>(client: S, texts: PreparedTexts): S {
  change(client as unknown as Client, texts);
  return client;
}

function change(client: Client, texts: PreparedTexts): void {
  const { unsafe, begin, savepoint } = client;
  const inside =
    (start: (...given: unknown[]) => unknown) =>
    (...given: unknown[]) => {
      const work = given.pop() as Work;
      return start(...given, (tx: TransactionSql) => {
        change(tx as unknown as Client, texts);
        return work(tx);
      });
    };
  client.unsafe = (...given) => {
    const made = unsafe(...given);
    const parameters = given[1];
    if (Array.isArray(parameters) && parameters.length > 0) decideWhenSent(made as Query, texts, begin !== undefined);
    return made;
  };
  if (begin) client.begin = inside(begin);
  if (savepoint) client.savepoint = inside(savepoint);
}

function decideWhenSent(query: Query, texts: PreparedTexts, pooled: boolean): void {
  const { handler } = query;
  query.handler = (one) => {
    const { options, cursorFn } = one;
    if (!options.prepare && !options.simple && !cursorFn) decide(one, texts, pooled);
    handler(one);
  };
}

function decide(query: Query, texts: PreparedTexts, pooled: boolean): void {
  const known = knownAs(query.strings[0] ?? "", query.args);
  if (known === undefined) return;
  const how = texts.next(known);
  if (how === "check") {
    query.then(
      () => texts.checked(known, typesOf(query)),
      () => undefined,
    );
  } else if (how === "prepared") {
    query.options.prepare = true;
    if (pooled) query.options.onexecute = alone;
    query.catch((error: unknown) => judge(error, query, known, texts));
  }
}

/** As `onexecute` it keeps postgres.js 3.4 from putting further queries of the pool behind this one, whatever it waits for. */
export const alone = (): boolean => false;

/**
 * An outdated statement fails in two ways (PostgreSQL, appendix A): its result has other types than it had (0A000), or it is
 * gone or another's (26000, 42P05), which happens behind proxies; or its parameters have other types, which may show in any
 * error of class 22 or 42, as may values that are wrong.
 */
function judge(error: unknown, query: Query, known: string, texts: PreparedTexts): void {
  const code = codeOfError(error);
  if (["0A000", "26000", "42P05"].includes(code)) texts.retire(known);
  else if (query.prepared && /^(22|42)/.test(code)) texts.doubt(known, typesOf(query));
}

function typesOf({ statement }: Query): string {
  return statement?.types.join() ?? "";
}

/** What postgres.js knows a statement by: the text and the types it tells the server. Undefined: do not prepare. */
function knownAs(text: string, parameters: readonly unknown[]): string | undefined {
  let told = "";
  for (let n = 0; n < parameters.length; n++) {
    const type = typeTold(parameters[n]);
    if (type === undefined) return undefined;
    if (type !== 0) told += `${n}=${type} `;
  }
  return told + text;
}

/** The type postgres.js tells for a value (its `inferType`), 0 for none. Undefined for objects, whose type is their own affair. */
function typeTold(value: unknown): number | undefined {
  if (Array.isArray(value)) return typeTold(value[0]);
  if (value instanceof Date) return 1184;
  if (value instanceof Uint8Array) return 17;
  if (typeof value === "boolean") return 16;
  if (typeof value === "bigint") return 20;
  return typeof value === "object" && value !== null ? undefined : 0;
}
