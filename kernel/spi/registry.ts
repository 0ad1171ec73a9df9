import { defineSpi } from "../core/spi.ts";
import type { Instance } from "./instance.ts";

/** An instance that was made known. */
export interface Registration {
  /** Takes it back. Harmless when repeated. */
  withdraw(): Promise<void>;
}

export interface Watch {
  close(): Promise<void>;
}

/** All instances of a service at one moment, in no particular order. Unchanged instances are the same objects as before. */
export type Snapshot = readonly Instance[];

/** Where services make themselves known and find each other. */
export interface Registry {
  /** Resolves when others can see it. Registering the same id again replaces the instance. */
  register(instance: Instance): Promise<Registration>;
  /** Calls `listener` with the first snapshot before it resolves, and within a second of every change after. */
  watch(service: string, listener: (snapshot: Snapshot) => void): Promise<Watch>;
  /** Names of all services that have at least one instance, sorted. */
  services(): Promise<readonly string[]>;
}

export const registry = defineSpi<Registry>("registry", { kind: "named", fallback: "memory" });
