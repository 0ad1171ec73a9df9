import type { Generation } from "./plugin.ts";

/** The generation that serves and those before it that are still in use. */
export interface Generations {
  readonly current: () => Generation;
  /**
   * Makes the next generation current, in which other plugins serve these SPIs. Gives a promise that resolves once nobody is
   * left in any older one.
   */
  readonly advance: (changed?: readonly string[]) => Promise<void>;
  /** Ends the current generation without a successor. */
  readonly end: () => void;
}

/** Starts with generation 0, in which nothing serves. */
export function generations(): Generations {
  let current = new Lease(0, new Map());
  let older: readonly Lease[] = [];
  return {
    current: () => current,
    advance(changed = []) {
      current.retire();
      older = [...older, current].filter(({ empty }) => !empty);
      const id = current.id + 1;
      current = new Lease(id, new Map([...current.changes, ...changed.map((spi) => [spi, id] as const)]));
      return Promise.all(older.map(({ left }) => left)).then(() => undefined);
    },
    end: () => current.retire(),
  };
}

/** Counts users. Real state on the path of every call, hence a class. */
class Lease implements Generation {
  readonly id: number;
  readonly changes: ReadonlyMap<string, number>;
  /** Resolves when this is retired and the last user has left. */
  readonly left: Promise<void>;
  current = true;
  #users = 0;
  #resolve: () => void;

  constructor(id: number, changes: ReadonlyMap<string, number>) {
    this.id = id;
    this.changes = changes;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    this.#resolve = resolve;
  }

  get empty(): boolean {
    return this.#users === 0;
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    if (this.#users === 0 && !this.current) this.#resolve();
  }

  retire(): void {
    this.current = false;
    if (this.#users === 0) this.#resolve();
  }
}
