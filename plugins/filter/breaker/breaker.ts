import { breaker as breakerSpi, definePlugin, every, filter, live } from "@mortise/kernel";
import { breakerFilter, breakerPolicy } from "./breaker-filter.ts";

export const breaker = definePlugin({
  spi: filter,
  name: "breaker",
  description: "Keeps calls away from methods or instances that fail",
  needs: { breakers: live(every(breakerSpi)) },
  policy: breakerPolicy.schemas,
  activate: { order: 500, whenUsed: [breakerSpi] },
  setup: ({ deps, ports }) => ({ api: breakerFilter(() => deps.breakers.current, ports.clock) }),
});
