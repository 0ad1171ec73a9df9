import type { OperationsType } from "../contract/transaction/operation.ts";
import { needShape } from "../core/need-shape.ts";
import type { Deps, LiveHandle, Needs } from "../core/needs.ts";
import { type Database, type Store, store } from "./store.ts";
import type { Freeing, Transactions } from "./transactions.ts";

/** Waits for `opened` with every database one of the stores among these dependencies opens, before anybody has it. */
export function watchStores<N extends Needs>(
  needs: N | undefined,
  deps: Deps<N>,
  opened: (database: Database) => Promise<void>,
): Deps<N> {
  const watched = (given: unknown) => given && watchedStore(given as Store, opened);
  const stores = Object.entries(needs ?? {}).flatMap(([local, need]) => {
    const { spi, derive, live } = needShape(need);
    if (spi.id !== store.id || derive) return [];
    const given: unknown = deps[local];
    return [[local, live ? watchedHandle(given as LiveHandle<unknown>, watched) : watched(given)]];
  });
  return { ...deps, ...Object.fromEntries(stores) };
}

function watchedStore(inner: Store, opened: (database: Database) => Promise<void>): Store {
  return {
    ...inner,
    async database(name) {
      const database = await inner.database(name);
      await opened(database);
      return database;
    },
  };
}

function watchedHandle(inner: LiveHandle<unknown>, watched: (given: unknown) => unknown): LiveHandle<unknown> {
  return {
    get current() {
      return watched(inner.current);
    },
  };
}

/** Frees each database that is opened, once, until it is stopped or the start is given up. */
export function freeingEach(operations: OperationsType, transactions: Transactions, signal: AbortSignal) {
  const freed = new Map<Database, Promise<Freeing>>();
  let over = false;
  function stop(): void {
    over = true;
    signal.removeEventListener("abort", stop);
    for (const one of freed.values()) void one.then((freeing) => freeing.stop());
  }
  signal.addEventListener("abort", stop);
  return {
    async opened(database: Database): Promise<void> {
      if (over) return;
      const freeing = freed.get(database) ?? transactions.free(operations, database);
      freed.set(database, freeing);
      await freeing;
    },
    stop,
  };
}
