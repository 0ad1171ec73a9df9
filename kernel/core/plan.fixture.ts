import assert from "node:assert/strict";
import type { CoreConfig, UseValue } from "./config.ts";
import type { Needs } from "./needs.ts";
import { type Plan, plan } from "./plan.ts";
import { definePlugin, type Plugin } from "./plugin.ts";
import { defineSpi, type Spi } from "./spi.ts";

/** Extension points, plugins and short words for the tests of planning. */
export const store = defineSpi<string>("store", { kind: "one" });
export const bus = defineSpi<string>("bus", { kind: "named", fallback: "memory" });
export const filter = defineSpi<string>("filter", { kind: "chain" });
export const service = defineSpi<string>("service", { kind: "named" });

type Extras = Partial<Pick<Parameters<typeof definePlugin>[0], "activate" | "options" | "exclusive">>;

export function plugin(spi: Spi<string>, name: string, needs: Needs = {}, extras: Extras = {}): Plugin {
  return definePlugin<string, Needs, unknown>({
    spi,
    name,
    description: "",
    needs,
    ...extras,
    setup: () => ({ api: name }),
  });
}

export function wrapper(spi: Spi<string>, name: string, order: number, needs: Needs = {}): Plugin {
  return definePlugin<string, Needs, unknown>({
    spi,
    name,
    description: "",
    needs,
    wraps: true,
    order,
    setup: ({ inner }) => ({ api: `${name}(${inner})` }),
  });
}

export const postgres = plugin(store, "postgres");
export const embedded = plugin(store, "embedded");
export const memory = plugin(bus, "memory");
export const nats = plugin(bus, "nats");
export const all = [postgres, embedded, memory, nats];

export type Use = Readonly<Record<string, UseValue>>;

export function config(use: Use, options: CoreConfig["options"] = {}): CoreConfig {
  return { use, options };
}

export function planned(plugins: readonly Plugin[], use: Use, options?: CoreConfig["options"]): Plan {
  const { plan: made, problems } = plan(plugins, config(use, options));
  assert.deepEqual(problems, []);
  assert.ok(made);
  return made;
}

export function problems(plugins: readonly Plugin[], use: Use, options?: CoreConfig["options"]): string[] {
  const result = plan(plugins, config(use, options));
  assert.equal(result.plan, undefined);
  return result.problems.map(({ code, message, path }) => `${code} ${path.join(".")}: ${message}`);
}

export const ids = ({ steps }: Plan) => [...steps.keys()];
export const given = ({ steps }: Plan, id: string, need: string) =>
  steps.get(id)?.needs[need]?.providers.map(({ alias, step }) => `${alias}=${step}`);
export const why = ({ steps }: Plan, id: string) => steps.get(id)?.why;
