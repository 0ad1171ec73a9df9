import { definePlugin, every, filter, limiter, live } from "@mortise/kernel";
import { ratelimitFilter, ratelimitPolicy } from "./ratelimit-filter.ts";

export const ratelimit = definePlugin({
  spi: filter,
  name: "ratelimit",
  description: "Refuses calls over the limit of the policy",
  needs: { limiters: live(every(limiter)) },
  policy: ratelimitPolicy.schemas,
  activate: { order: 400, whenUsed: [limiter] },
  setup: ({ deps, ports }) => ({ api: ratelimitFilter(() => deps.limiters.current, ports.clock) }),
});
