import type { PendingQuery, Row, TransactionSql } from "postgres";
import { arrayTypes } from "./array-types.ts";

/** The part of a query of postgres.js 3.4 that is not in its types and that this depends on; the tests would notice a change. */
interface Query extends PendingQuery<Row[]> {
  /** Sends it; by then it is known how its result is wanted. */
  handler(query: Query): void;
  readonly args: readonly unknown[];
  /** true: as bytes. */
  readonly isRaw?: boolean | "values";
  forEachFn?: (row: RowOfResult, result: unknown) => unknown;
  parameters: unknown[] | undefined;
  readonly statement: { readonly types: readonly number[]; readonly columns: readonly Column[] | null } | null;
}
interface Column {
  readonly name: string;
  readonly type: number;
}
interface Result extends Array<RowOfResult> {
  readonly columns: readonly Column[] | null;
}
type RowOfResult = Record<string | number, unknown>;
type Make = (...given: unknown[]) => unknown;

/**
 * A client that drizzle uses, with the types of a store's `sql`: 64-bit integers are bigint, and dates and JSON are written and
 * read. drizzle 0.45 turns that off for all connections of its client and gives and takes text; its own queries stay so.
 */
export function withTypesOfSql<C>(client: C): TransactionSql<{ bigint: bigint }> {
  const make = client as Make;
  const { unsafe, file, savepoint, typed } = client as Record<"unsafe" | "file" | "savepoint" | "typed", Make>;
  const types = Object.assign((...given: unknown[]) => typed(...given), typed, {
    bigint: (value: bigint) => typed(value, int8),
  });
  return Object.assign((...given: unknown[]) => typedLikeSql(make(...given)), client, {
    unsafe: (...given: unknown[]) => typedLikeSql(unsafe(...given)),
    file: (...given: unknown[]) => typedLikeSql(file(...given)),
    savepoint: (...given: unknown[]) => {
      const work = given.pop() as Make;
      return savepoint(...given, (inner: unknown) => work(withTypesOfSql(inner)));
    },
    typed: types,
    types,
  }) as unknown as TransactionSql<{ bigint: bigint }>;
}

/** Leaves alone what is no query: names and values made for one. */
function typedLikeSql(made: unknown): unknown {
  const query = made as Query | undefined;
  if (typeof query?.handler !== "function") return made;
  const { handler } = query;
  query.handler = (one) => {
    if (one.args.length > 0) writeParameters(one);
    if (one.isRaw !== true) readRows(one);
    handler(one);
  };
  return query;
}

const int8 = 20;
const dates = [1082, 1114, 1184];
const dateArrays = [1182, 1115, 1185];
const numericArray = 1231;
const arrays = new Map(Object.values(arrayTypes({ bigint: true })).map((type) => [type.to, type]));

const date = (value: Date | string) => (value instanceof Date ? value : new Date(value)).toISOString();
const array = (oid: number) => (value: unknown) => arrays.get(oid)?.serialize(value);

/** How values of types are written that drizzle wants left as they are. */
const writers = new Map<number, (value: never) => unknown>([
  ...[114, 3802].map((oid) => [oid, JSON.stringify] as const),
  ...dates.map((oid) => [oid, date] as const),
  ...[...dateArrays, numericArray].map((oid) => [oid, array(oid)] as const),
]);

/** How values of types are read from what the client of drizzle gives. */
const readers = new Map<number, (value: never) => unknown>([
  [int8, BigInt],
  [1016, bigints],
  ...dates.map((oid) => [oid, (text: string) => new Date(text)] as const),
  ...[...dateArrays, numericArray].map((oid) => [oid, (text: string) => arrays.get(oid)?.parse(text)] as const),
]);

function bigints(values: readonly unknown[]): unknown[] {
  return values.map((value) =>
    Array.isArray(value) ? bigints(value) : value === null ? null : BigInt(value as string),
  );
}

/** Writes parameters once the server has told all types; postgres.js asks for them each time before it sends them. */
function writeParameters(query: Query): void {
  let given: unknown[] | undefined;
  let written = false;
  Object.defineProperty(query, "parameters", {
    configurable: true,
    get(this: Query) {
      const types = this.statement?.types ?? [];
      if (given && !written && types.length === given.length && !types.includes(0)) {
        written = true;
        for (const [i, value] of given.entries())
          if (value !== null) given[i] = (writers.get(types[i] ?? 0) ?? same)(value as never);
      }
      return given;
    },
    set(parameters: unknown[] | undefined) {
      given = parameters;
      written = false;
    },
  });
}

function same(value: unknown): unknown {
  return value;
}

/** Of whatever takes rows: all of them at the end, some of a cursor, or one. */
function readRows(query: Query): void {
  const columnsOf = (result: Result | undefined) => result?.columns ?? query.statement?.columns ?? [];
  const read = (result: Result) => {
    const columns = columnsOf(result);
    for (const row of result) readRow(row, columns, query.isRaw === "values");
    return result;
  };
  const readAll = (result: unknown) => {
    if (!Array.isArray(result)) return result;
    if ("columns" in result) return read(result as unknown as Result);
    for (const one of result as Result[]) read(one);
    return result;
  };
  for (const name of ["resolve", "cursorFn"]) taking(query, name, readAll);
  const { forEachFn } = query;
  if (!forEachFn) return;
  query.forEachFn = (row, result) => {
    readRow(row, columnsOf(undefined), query.isRaw === "values");
    return forEachFn(row, result);
  };
}

function readRow(row: RowOfResult, columns: readonly Column[], listed: boolean): void {
  for (const [i, { name, type }] of columns.entries()) {
    const read = readers.get(type);
    const key = listed ? i : name;
    if (read && row[key] !== null) row[key] = read(row[key] as never);
  }
}

/** Has what a query is given to take its rows with get them read; a cursor is given another one for each part. */
function taking(query: Query, name: string, read: (result: unknown) => unknown): void {
  const inherited = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(query), name);
  let own: unknown = (query as unknown as Record<string, unknown>)[name];
  Object.defineProperty(query, name, {
    configurable: true,
    get() {
      const take = own as Make | undefined;
      return take && ((result: unknown) => take(read(result)));
    },
    set(take: unknown) {
      inherited?.set?.call(query, take); // it has its own way with rows, see mendQueries
      own = inherited?.get ? inherited.get.call(query) : take;
    },
  });
}
