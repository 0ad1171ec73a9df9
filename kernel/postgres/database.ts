import type { Sql } from "postgres";
import type { Ports } from "../core/ports.ts";
import type { Database, DatabaseAddress, Orm } from "../spi/store.ts";
import { type ConnectionOptions, ormPool, singleConnection, sqlPool } from "./connection.ts";
import type { Drivers } from "./drivers.ts";
import { endPool } from "./end-pool.ts";
import { migrateDatabase } from "./migrate.ts";

/** A database that is open, and how to end it. */
export interface OpenDatabase {
  readonly database: Database;
  /** Lets work that was begun finish for at most `withinMs`. */
  end(withinMs: number): Promise<void>;
}

/** Opens a database that is there. Pools come into being when they are first used. */
export function openDatabase(
  name: string,
  address: DatabaseAddress,
  options: ConnectionOptions,
  drivers: Drivers,
  { clock, timers }: Ports,
): OpenDatabase {
  const pools: Sql[] = [];
  const keep = <S extends Sql<never> | Sql>(pool: S): S => {
    pools.push(pool as Sql); // ended alike, whatever types they parse
    return pool;
  };
  const sql = once(() => keep(sqlPool(drivers, address, options)));
  const orm = once((): Orm => drivers.drizzle(keep(ormPool(drivers, address, options))));
  const database: Database = Object.freeze({
    name,
    address,
    get sql() {
      return sql();
    },
    get orm() {
      return orm();
    },
    migrate: async (folder) => {
      const single = keep(singleConnection(drivers, address, options));
      try {
        await migrateDatabase(single, folder, name, drivers);
      } finally {
        pools.splice(pools.indexOf(single), 1);
        await single.end();
      }
    },
  } satisfies Database);
  return {
    database,
    end: async (withinMs) => {
      await Promise.all(pools.map((pool) => endPool(pool, withinMs, clock, timers)));
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
