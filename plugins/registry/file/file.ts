import { definePlugin, registry } from "@mortise/kernel";
import { z } from "zod";
import { fileRegistry } from "./file-registry.ts";

const options = z.strictObject({
  dir: z
    .string()
    .min(1)
    .default(".mortise/registry")
    .describe("Directory the processes share; from the working directory."),
  pollMs: z.number().min(10).max(1000).default(250).describe("How often it is looked at for changes, in milliseconds."),
  leaseMs: z
    .number()
    .min(1000)
    .default(10_000)
    .describe("An owner that has not renewed its file for so long is taken for dead, in milliseconds."),
});

export const file = definePlugin({
  spi: registry,
  name: "file",
  description: "Shares instances among the processes of a machine, in files of a directory",
  options,
  setup: ({ options, ports, log }) => fileRegistry(options, ports, log),
});
