import { cache, definePlugin, every, filter, live, optional, store } from "@mortise/kernel";
import { z } from "zod";
import { idempotencyFilter, idempotencyPolicy } from "./idempotency-filter.ts";

const options = z.strictObject({
  transactions: z
    .int()
    .min(1)
    .default(5)
    .describe(
      "How many requests of this process hold a transaction at once, per database; fewer than the store's poolSize",
    ),
});

export const idempotency = definePlugin({
  spi: filter,
  name: "idempotency",
  description: "Does a request with an idempotency key once, and repeats its result",
  needs: { caches: live(every(cache)), store: live(optional(store)) },
  options,
  policy: idempotencyPolicy.schemas,
  activate: { order: 550 },
  setup: ({ deps, options, ports }) => ({
    api: idempotencyFilter({ caches: () => deps.caches.current, store: () => deps.store.current, ...options }, ports),
  }),
});
