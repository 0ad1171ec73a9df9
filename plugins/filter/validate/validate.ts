import { definePlugin, filter } from "@mortise/kernel";
import { validateFilter, validatePolicy } from "./validate-filter.ts";

export const validate = definePlugin({
  spi: filter,
  name: "validate",
  description: "Refuses requests that break their contract or a constraint of the policy",
  policy: validatePolicy.schemas,
  activate: { order: 800 },
  setup: () => ({ api: validateFilter }),
});
