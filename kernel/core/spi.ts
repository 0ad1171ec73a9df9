declare const contract: unique symbol;

/**
 * How many plugins of an SPI serve at a time.
 * - `one`: exactly one (a store).
 * - `named`: several live side by side and are chosen by name, the first is the default (load balancers).
 * - `chain`: an ordered list that is used as a whole (filters).
 */
export type SpiKind = "one" | "named" | "chain";

/** Names one extension point. `T` is its contract; it exists only at compile time. */
export interface Spi<T> {
  readonly id: string;
  readonly kind: SpiKind;
  /** The plugin that serves when the configuration selects none; without it a need must be configured. */
  readonly fallback: string | undefined;
  readonly [contract]?: T;
}

export interface SpiDefinition {
  readonly kind: SpiKind;
  readonly fallback?: string;
}

/** Declares an extension point. `id` is also the folder of its plugins and its key in the configuration. */
export function defineSpi<T>(id: string, { kind, fallback }: SpiDefinition): Spi<T> {
  return Object.freeze({ id, kind, fallback });
}
