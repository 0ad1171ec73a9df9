import type { Policy } from "../call/site.ts";
import type { Method } from "../contract/types.ts";
import { defineSpi } from "../core/spi.ts";

/** What holds where no policy says otherwise: the first plugin of each of these SPIs. */
export type PolicyDefaults = Pick<Policy, "protocol" | "serializer" | "loadbalancer" | "cluster">;

/** The policy of one method, and the target each field of it comes from; a field that is missing there has its default. */
export interface EffectivePolicy {
  readonly policy: Policy;
  /** By field: `*`, `shop.*`, `shop.order.v1.Orders`, `shop.order.v1.Orders/place`. */
  readonly sources: Readonly<Record<string, string>>;
}

/** What the configuration says about calls. */
export interface Policies {
  /** The app this process runs. */
  readonly app: string;
  of(method: Method, defaults: PolicyDefaults): EffectivePolicy;
}

export const policies = defineSpi<Policies>("policies", { kind: "one", fallback: "config" });
