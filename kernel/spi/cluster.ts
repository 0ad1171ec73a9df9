import type { Call, Invoker, Reply } from "../call/call.ts";
import type { CallSite } from "../call/site.ts";
import { defineSpi } from "../core/spi.ts";
import type { Instance } from "./instance.ts";

/** The instances that could take a call of one method, and the way to them. */
export interface Group {
  /** Candidates after routing. Rejects with UNAVAILABLE (and `neverSent`) if there is none before the call's deadline. */
  candidates(call: Call): readonly Instance[] | Promise<readonly Instance[]>;
  /** One attempt on the instance the balancer picks from `candidates`: attempt filters, protocol, outcome reported. */
  attempt(call: Call, candidates: readonly Instance[], onPick?: (instance: Instance) => void): Promise<Reply>;
}

/** Decides what to do about instances that fail. */
export interface Cluster {
  /** Compiled once per method. */
  invoker(site: CallSite, group: Group): Invoker;
}

export const cluster = defineSpi<Cluster>("cluster", { kind: "named", fallback: "failover" });
