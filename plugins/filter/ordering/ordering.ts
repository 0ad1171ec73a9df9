import { definePlugin, filter } from "@mortise/kernel";
import { orderingFilter, orderingPolicy } from "./ordering-filter.ts";

export const ordering = definePlugin({
  spi: filter,
  name: "ordering",
  description: "Handles calls with the same key one at a time, in the order they came",
  policy: orderingPolicy.schemas,
  activate: { order: 570 },
  setup: () => ({ api: orderingFilter }),
});
