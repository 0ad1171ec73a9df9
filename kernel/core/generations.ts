import type { Generation } from "./plugin.ts";

/** The generation that serves and those before it that are still in use. */
export interface Generations {
  readonly current: () => Generation;
  /** Makes the next generation current. Gives a promise that resolves once nobody is left in any older one. */
  advance(): Promise<void>;
  /** Ends the current generation without a successor. */
  end(): void;
}

/** Starts with generation 0, in which nothing serves. */
export function generations(): Generations {
  let current = new Lease(0);
  let older: readonly Lease[] = [];
  return {
    current: () => current,
    advance() {
      current.retire();
      older = [...older, current].filter(({ empty }) => !empty);
      current = new Lease(current.id + 1);
      return Promise.all(older.map(({ left }) => left)).then(() => undefined);
    },
    end: () => current.retire(),
  };
}

/** Counts users. Real state on the path of every call, hence a class. */
class Lease implements Generation {
  readonly id: number;
  /** Resolves when this is retired and the last user has left. */
  readonly left: Promise<void>;
  current = true;
  #users = 0;
  #resolve: () => void;

  constructor(id: number) {
    this.id = id;
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
