import type { Call } from "../call/call.ts";
import type { CallSite } from "../call/site.ts";
import { defineSpi } from "../core/spi.ts";
import type { Instance } from "./instance.ts";

/**
 * Keeps some of the candidates. Returns the same array for the same candidates and decision (a balancer keeps state
 * by array), and `candidates` itself when all stay.
 */
export type Route = (candidates: readonly Instance[], call: Call) => readonly Instance[];

/** Narrows down who may take a call. */
export interface Router {
  /** Compiled once per method; nothing when the policy asks nothing of this router. */
  route(site: CallSite): Route | undefined;
}

export const router = defineSpi<Router>("router", { kind: "chain" });
