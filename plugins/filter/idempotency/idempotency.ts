import { cache, definePlugin, every, filter, live } from "@mortise/kernel";
import { idempotencyFilter, idempotencyPolicy } from "./idempotency-filter.ts";

export const idempotency = definePlugin({
  spi: filter,
  name: "idempotency",
  description: "Does a request with an idempotency key once, and repeats its result",
  needs: { caches: live(every(cache)) },
  policy: idempotencyPolicy.schemas,
  activate: { order: 550, whenUsed: [cache] },
  setup: ({ deps, ports }) => ({ api: idempotencyFilter(() => deps.caches.current, ports) }),
});
