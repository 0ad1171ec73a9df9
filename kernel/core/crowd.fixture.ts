import { z } from "zod";
import type { CoreConfig } from "./config.ts";
import { every, live, type Needs } from "./needs.ts";
import { definePlugin, type Plugin } from "./plugin.ts";
import { defineSpi } from "./spi.ts";

const spis = 10;
const perSpi = 5;

type Api = Readonly<Record<string, unknown>>;

function makeCrowd(): Plugin[] {
  const tokens = Array.from({ length: spis }, (_, index) => defineSpi<Api>(`spi-${index}`, { kind: "named" }));
  return tokens.flatMap((spi, level) =>
    Array.from({ length: perSpi }, (_, index) => {
      const below = tokens.slice(Math.max(0, level - 3), level);
      const needs: Needs = Object.fromEntries(
        below.map((token, at) => [`need${at}`, at === 0 ? token : at === 1 ? every(token) : live(every(token))]),
      );
      return definePlugin<Api, Needs, unknown>({
        spi,
        name: `plugin-${index}`,
        description: "Does nothing.",
        needs,
        options: z.object({
          port: z.number().int().min(0).max(65_535).default(0),
          host: z.string().default("127.0.0.1"),
          tls: z.object({ cert: z.string(), key: z.string() }).optional(),
          size: z.number().default(1),
        }),
        setup: ({ deps }) => ({ api: deps, stop: () => undefined }),
      });
    }),
  );
}

/** Selects all of them; `size` is an option of one that nobody needs. */
export function crowdConfig(size: number): CoreConfig {
  const names = Array.from({ length: perSpi }, (_, index) => `plugin-${index}`);
  const use = Object.fromEntries(Array.from({ length: spis }, (_, index) => [`spi-${index}`, names]));
  const options = Object.keys(use).map((spi) => [`${spi}/plugin-0`, { port: 1024, size: spi === "spi-9" ? size : 1 }]);
  return { use, options: Object.fromEntries(options) };
}

/** Fifty plugins of ten extension points that do nothing, with options and needs as plugins have them. */
export const crowd: readonly Plugin[] = makeCrowd();
