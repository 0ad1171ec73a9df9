import { definePlugin, filter } from "@mortise/kernel";
import { bulkheadFilter, bulkheadPolicy } from "./bulkhead-filter.ts";

export const bulkhead = definePlugin({
  spi: filter,
  name: "bulkhead",
  description: "Bounds how many calls of a method run at the same time",
  policy: bulkheadPolicy.schemas,
  activate: { order: 600 },
  setup: () => ({ api: bulkheadFilter }),
});
