import { definePlugin, every, registry } from "@mortise/kernel";
import { z } from "zod";
import { multiRegistry } from "./multi-registry.ts";

const one = z.strictObject({
  register: z.boolean().default(true).describe("Whether instances of this process are registered there."),
  discover: z.boolean().default(true).describe("Whether instances of others are looked for there."),
  zone: z.string().optional().describe("The zone of what is found there, unless an instance names its own."),
  preferred: z.boolean().default(false).describe("Whether cluster/zone-aware calls what is found there first."),
  weight: z
    .number()
    .nonnegative()
    .optional()
    .describe("Share of calls of what is found there, for cluster/zone-aware."),
});

const options = z.strictObject({
  registries: z
    .record(z.string(), one.prefault({}))
    .default({})
    .describe("What is special about a registry, by its name under use."),
  waitMs: z
    .number()
    .nonnegative()
    .default(2000)
    .describe("How long one registry that does not answer holds up the others, in milliseconds."),
  retryMs: z
    .number()
    .positive()
    .default(1000)
    .describe("Wait before a registry that refused is asked again, in milliseconds."),
});

/** Registers in all other registries that are selected, and finds what any of them knows. */
export const multi = definePlugin({
  spi: registry,
  name: "multi",
  description: "Registers in several registries and finds what any of them knows",
  options,
  needs: { others: every(registry) },
  setup: ({ deps, options, ports, log }) => multiRegistry(deps.others, options, ports, log),
});
