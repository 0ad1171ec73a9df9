import { configSource, definePlugin } from "@mortise/kernel";
import { versionedConfig, versionedFields } from "@mortise/kernel/spi/versioned-config";
import { z } from "zod";
import { folder } from "./folder.ts";

const options = z.strictObject({
  dir: z.string().min(1).default(".mortise/rules").describe("The folder of all versions; processes share it"),
  pollMs: z
    .number()
    .min(50)
    .default(500)
    .describe("How often the folder is looked at where the system does not tell of changes, in milliseconds"),
  ...versionedFields,
});

export const file = definePlugin({
  spi: configSource,
  name: "file",
  description: "Keeps central rules in a folder that processes share",
  options,
  setup: ({ options: { dir, pollMs, ...kept }, ports, log }) =>
    versionedConfig(folder(dir, ports.ids), { ...kept, lookMs: pollMs }, ports, log),
});
