import { definePlugin, filter } from "@mortise/kernel";
import { deadlineFilter, deadlinePolicy } from "./deadline-filter.ts";

export const deadline = definePlugin({
  spi: filter,
  name: "deadline",
  description: "Gives calls a deadline and ends them when it passes",
  policy: deadlinePolicy.schemas,
  activate: { order: 300 },
  setup: () => ({ api: deadlineFilter }),
});
