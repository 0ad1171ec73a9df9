import { cache as cacheSpi, definePlugin, every, filter, live } from "@mortise/kernel";
import { cacheFilter, cachePolicy } from "./cache-filter.ts";

export const cache = definePlugin({
  spi: filter,
  name: "cache",
  description: "Answers calls of methods that change nothing from what was answered before",
  needs: { caches: live(every(cacheSpi)) },
  policy: cachePolicy.schemas,
  activate: { order: 450, whenUsed: [cacheSpi] },
  setup: ({ deps, log }) => ({ api: cacheFilter(() => deps.caches.current, log) }),
});
