import { definePlugin, policyFields, type Router, router } from "@mortise/kernel";
import { type Keep, narrowing } from "@mortise/kernel/spi/narrowing";
import { z } from "zod";

/** The baggage entry that overrides the caller's own zone. */
const zoneName = "zone";

export const zoneFields = policyFields({
  zoneForce: z.boolean().default(false).describe("Refuse a call that has no instance in its zone"),
});

/** Keeps calls in their zone while it has instances. `own` is the zone of this process; empty: none. */
export function zoneRouter(own: string): Router {
  return {
    route(site) {
      const { zoneForce } = zoneFields.of(site);
      const narrow = narrowing<string>();
      const keep: Keep<string> = (candidates, zone) => {
        const near = candidates.filter((instance) => instance.zone === zone);
        return near.length > 0 || zoneForce ? near : candidates;
      };
      return (candidates, call) => {
        const zone = call.context.baggage[zoneName] ?? own;
        return zone === "" ? candidates : narrow(candidates, zone, keep);
      };
    },
  };
}

export const zone = definePlugin({
  spi: router,
  name: "zone",
  description: "Keeps calls in the zone they come from",
  options: z.strictObject({ zone: z.string().default("").describe("The zone of this process") }),
  policy: zoneFields.schemas,
  setup: ({ options }) => ({ api: zoneRouter(options.zone) }),
});
