import type { Wrap } from "../call/call.ts";
import type { CallSite } from "../call/site.ts";
import { defineSpi } from "../core/spi.ts";

/** Stands in the way of calls. */
export interface Filter {
  /** Compiled once per method and place; nothing where the filter has nothing to do. */
  wrap(site: CallSite): Wrap | undefined;
}

export const filter = defineSpi<Filter>("filter", { kind: "chain" });
