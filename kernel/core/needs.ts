import type { Spi } from "./spi.ts";

/** Asks for every selected plugin of an SPI: a map from name (or alias) to plugin, in configured order. */
export interface Every<T> {
  readonly every: Spi<T>;
}

/** Asks for one plugin of an SPI by the name or alias the configuration gives it. */
export interface Named<T> {
  readonly named: Spi<T>;
  readonly name: string;
}

/** Asks for a plugin if the configuration selects one. */
export interface Optional<T> {
  readonly optional: Spi<T>;
}

/** Asks for a handle that always points at what serves now; a swap of the provider does not restart the asker. */
export interface Live<T> {
  readonly live: Spi<unknown> | Every<unknown> | Named<unknown> | Optional<unknown>;
  /** Phantom: what `current` gives. */
  readonly gives?: T;
}

/** Asks for something computed from another need. */
export interface Derived<T> {
  readonly from: BasicNeed;
  readonly derive: (api: never) => T;
}

/** What a `live` need receives. Read `current` at every use; never keep what it gave. */
export interface LiveHandle<T> {
  readonly current: T;
}

type BasicNeed = Spi<unknown> | Every<unknown> | Named<unknown> | Optional<unknown> | Live<unknown>;

export type Need = BasicNeed | Derived<unknown>;

/** What a plugin asks of the rest of the system, by local name. */
export type Needs = Readonly<Record<string, Need>>;

type Given<N> =
  N extends Derived<infer T>
    ? T
    : N extends Live<infer T>
      ? LiveHandle<T>
      : N extends Every<infer T>
        ? ReadonlyMap<string, T>
        : N extends Named<infer T>
          ? T
          : N extends Optional<infer T>
            ? T | undefined
            : N extends Spi<infer T>
              ? T
              : never;

/** The same record after the kernel has looked everything up. */
export type Deps<N extends Needs> = { readonly [K in keyof N]: Given<N[K]> };

export function every<T>(spi: Spi<T>): Every<T> {
  return { every: spi };
}

export function named<T>(spi: Spi<T>, name: string): Named<T> {
  return { named: spi, name };
}

export function optional<T>(spi: Spi<T>): Optional<T> {
  return { optional: spi };
}

export function live<T>(need: Every<T>): Live<ReadonlyMap<string, T>>;
export function live<T>(need: Optional<T>): Live<T | undefined>;
export function live<T>(need: Named<T>): Live<T>;
export function live<T>(need: Spi<T>): Live<T>;
export function live(need: Live<unknown>["live"]): Live<unknown> {
  return { live: need };
}

/** Gives the asker `derive(api)` in place of the plugin's api, for example one typed client out of all. */
export function derived<T, R>(from: Spi<T> | Named<T>, derive: (api: T) => R): Derived<R> {
  return { from, derive };
}
