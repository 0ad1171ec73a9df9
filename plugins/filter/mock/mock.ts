import { definePlugin, filter } from "@mortise/kernel";
import { mockFilter, mockPolicy } from "./mock-filter.ts";

export const mock = definePlugin({
  spi: filter,
  name: "mock",
  description: "Answers calls otherwise, always or when they fail",
  policy: mockPolicy.schemas,
  activate: { order: 250 },
  setup: () => ({ api: mockFilter }),
});
