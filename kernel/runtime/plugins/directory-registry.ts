import { z } from "zod";
import { live } from "../../core/needs.ts";
import { definePlugin } from "../../core/plugin.ts";
import { directory } from "../../spi/directory.ts";
import { registry } from "../../spi/registry.ts";
import { registryDirectory } from "../directory.ts";
import { folderCache } from "../directory-cache.ts";

const options = z.strictObject({
  cacheDir: z
    .string()
    .optional()
    .describe("Folder that remembers where services run, for a start while the registry is down. Default: none."),
  believeEmptyAfterMs: z
    .union([z.number().nonnegative(), z.literal("never")])
    .default("never")
    .describe("How long a list that is suddenly empty is not believed, in milliseconds; 0: believed at once."),
  retryMs: z
    .number()
    .positive()
    .default(2000)
    .describe("Wait before a silent registry is asked again, in milliseconds."),
});

/** Knows where services run from the registry, and from memory while that is down. */
export const directoryRegistry = definePlugin({
  spi: directory,
  name: "registry",
  description: "Where services run, from the registry and from memory while that is down",
  options,
  needs: { registry: live(registry) },
  setup({ deps, options, ports, log }) {
    const { cacheDir, believeEmptyAfterMs: empty, retryMs } = options;
    const followed = registryDirectory({
      options: { retryMs, believeEmptyAfterMs: empty === "never" ? Number.POSITIVE_INFINITY : empty },
      ports,
      log,
      cache: cacheDir === undefined ? undefined : folderCache(cacheDir, ports, log),
      registry: () => deps.registry.current,
    });
    return {
      api: followed,
      follow: (next) => ({ flipped: () => followed.use(next.registry.current) }),
      stop: () => followed.close(),
    };
  },
});
