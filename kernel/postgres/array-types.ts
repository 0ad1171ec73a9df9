import type { PostgresType } from "postgres";

/** How one value of a type is written and read as PostgreSQL's text. */
interface Element {
  /** Ids of the arrays of this kind, which are the same on every server (pg_type.dat). */
  readonly arrays: readonly number[];
  readonly read: (text: string) => unknown;
  readonly write: (value: never) => string;
}

const text: Element = {
  // text, varchar, char, "char", name, uuid, numeric, time, timetz, interval, inet, cidr, macaddr, bit, varbit, money, xml
  arrays: [1009, 1015, 1014, 1002, 1003, 2951, 1231, 1183, 1270, 1187, 1041, 651, 1040, 1561, 1563, 791, 143],
  read: (text) => text,
  write: String,
};
const integer: Element = { arrays: [1005, 1007, 1028, 1021, 1022], read: Number, write: String };
const json: Element = { arrays: [199, 3807], read: (text) => JSON.parse(text) as unknown, write: JSON.stringify };
const boolean: Element = { arrays: [1000], read: (text) => text === "t", write: (value) => (value ? "t" : "f") };
const bytes: Element = {
  arrays: [1001],
  read: (text) => Buffer.from(text.slice(2), "hex"),
  write: (value: Uint8Array) => `\\x${Buffer.from(value).toString("hex")}`,
};
const date: Element = {
  arrays: [1182, 1115, 1185],
  read: (text) => new Date(text),
  write: (value: Date | string) => (value instanceof Date ? value : new Date(value)).toISOString(),
};
const bigints: Element = { arrays: [1016], read: BigInt, write: String };

/**
 * The arrays of PostgreSQL's own types for postgres.js. By itself it asks every new connection for them, and when that
 * connection is lost just then, it rejects a promise nobody holds, which ends the process.
 */
export function arrayTypes(): Record<string, PostgresType> {
  const elements = { text, integer, json, boolean, bytes, date, bigints };
  const named = Object.entries(elements).flatMap(([name, { arrays, read, write }]) =>
    arrays.map((oid) => [
      `${name}Array${oid}`,
      {
        to: oid,
        from: [oid],
        serialize: (value: unknown) => (Array.isArray(value) ? writeArray(value, write) : value),
        parse: (given: string) => readArray(given, read),
      },
    ]),
  );
  return Object.fromEntries(named);
}

/** An array as PostgreSQL reads it (documentation, 8.15.6). */
export function writeArray(values: readonly unknown[], write: (value: never) => string): string {
  const items = values.map((value) => {
    if (value === null || value === undefined) return "NULL";
    if (Array.isArray(value)) return writeArray(value, write);
    return `"${write(value as never).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${items.join(",")}}`;
}

/** Reads what PostgreSQL writes; null where a value is. */
export function readArray(given: string, read: (text: string) => unknown): unknown[] {
  let at = given.indexOf("{"); // bounds, as in [0:1]={…}, are of no use here

  function array(): unknown[] {
    const values: unknown[] = [];
    at++;
    while (given[at] !== "}" && at < given.length) {
      values.push(given[at] === "{" ? array() : given[at] === '"' ? quoted() : plain());
      if (given[at] === ",") at++;
    }
    at++;
    return values;
  }

  function quoted(): unknown {
    let value = "";
    for (at++; given[at] !== '"' && at < given.length; at++) {
      if (given[at] === "\\") at++;
      value += given[at];
    }
    at++;
    return read(value);
  }

  function plain(): unknown {
    const from = at;
    while (given[at] !== "," && given[at] !== "}" && at < given.length) at++;
    const value = given.slice(from, at);
    return value === "NULL" ? null : read(value);
  }

  return array();
}
