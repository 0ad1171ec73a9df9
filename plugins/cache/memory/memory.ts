import { cache, definePlugin } from "@mortise/kernel";
import { z } from "zod";
import { memoryCache } from "./memory-cache.ts";

const options = z.strictObject({
  maxBytes: z.int().min(1024).default(67_108_864).describe("Keys and values kept at most, in bytes; default 64 MiB"),
});

export const memory = definePlugin({
  spi: cache,
  name: "memory",
  description: "Keeps values in the memory of this process, those used lately",
  options,
  setup: ({ options, ports }) => ({ api: memoryCache(options.maxBytes, ports.clock) }),
});
