import type { Sql } from "postgres";

/**
 * Mends two faults of postgres.js 3.4.9 that give wrong data without an error. Changes the class of its queries, once for
 * all clients of a process.
 *
 * A prepared query whose statement is outdated is sent again, and its parameters, which are text by then, are written as
 * text once more: true becomes false, bytes become the bytes of their text, JSON a string. Here it begins with what was given.
 *
 * After a query that failed in the middle of its rows, the next one on the connection has as many holes before its own.
 * Here they are taken out.
 */
export function mendQueries(client: Sql<never> | Sql): void {
  const unsent = (client as Sql).unsafe("select 1");
  const queries = Object.getPrototypeOf(unsent) as object;
  if (mended.has(queries)) return;
  mended.add(queries);
  Object.defineProperty(queries, "retried", sentAgain);
  for (const name of ["resolve", "cursorFn"]) Object.defineProperty(queries, name, takenWhole(name));
}

const mended = new WeakSet<object>();

/** Set to the error of the first try, right before the second. */
const sentAgain: PropertyDescriptor = {
  configurable: true,
  get: () => undefined,
  set(this: { parameters: unknown }, error: unknown) {
    this.parameters = undefined;
    Object.defineProperty(this, "retried", { value: error, writable: true });
  },
};

type Taker = (result: unknown) => unknown;

/** Of a function a query is given to take its rows with. */
function takenWhole(name: string): PropertyDescriptor {
  const kept = Symbol(name);
  return {
    configurable: true,
    get(this: Record<symbol, unknown>) {
      return this[kept];
    },
    set(this: Record<symbol, unknown>, take: Taker | undefined) {
      this[kept] = take && ((result: unknown) => take(whole(result)));
    },
  };
}

/** Rows, or several times rows, of which the first are those that may have holes. */
function whole(result: unknown): unknown {
  if (!Array.isArray(result)) return result;
  closeUp(result);
  if (Array.isArray(result[0])) closeUp(result[0]);
  return result;
}

function closeUp(rows: unknown[]): void {
  if (rows.length === 0 || 0 in rows) return;
  let holes = 1;
  while (!(holes in rows)) holes++;
  rows.splice(0, holes);
}
