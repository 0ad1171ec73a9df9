import { defineSpi } from "../core/spi.ts";

/** Where this process can be called. */
export interface Endpoint {
  readonly protocol: string;
  /** For example `127.0.0.1:50051`. */
  readonly address: string;
}

/** Offers the services of this process to others. */
export interface Server {
  readonly endpoints: readonly Endpoint[];
  /** Names of the services on offer, sorted. */
  readonly services: readonly string[];
}

export const server = defineSpi<Server>("server", { kind: "one", fallback: "runtime" });
