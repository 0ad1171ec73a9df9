import type { CatalogueEntry } from "../../core/catalogue.ts";
import type { Loaded } from "../../core/definitions.ts";
import { nameOf, spiOf } from "../../core/definitions.ts";
import { loadAll } from "../../core/load.ts";
import { type JsonSchema, jsonSchemaOf, type Schema } from "../../core/schema.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { installedFor } from "../installed-for.ts";
import { columns } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { World } from "../world.ts";

/** One plugin as `mortise plugins --json` prints it. */
export interface PluginListing {
  readonly id: string;
  readonly spi: string;
  readonly name: string;
  readonly source: string;
  /** The module or package it comes from. */
  readonly from: string;
  readonly kind?: string;
  readonly description?: string;
  /** JSON Schema of the options; `{}` if the schema's vendor cannot tell. */
  readonly options?: JsonSchema;
  /** JSON Schemas of the policy fields it reads, by name. */
  readonly policy?: Readonly<Record<string, JsonSchema>>;
  /** Whether it serves when nothing is selected for its SPI. */
  readonly fallback?: boolean;
  /** Why it cannot be used. */
  readonly error?: string;
}

/** Lists all plugins that can be named here, or in an app file. */
export async function plugins(
  world: World,
  file: string | undefined,
  flags: { readonly json?: boolean },
): Promise<ExitCode> {
  return showPlugins(world.terminal, await listPlugins(await installedFor(world, file)), flags.json ?? false);
}

/** Lists plugins by SPI and name. Those that cannot be loaded are listed with the reason. */
export async function listPlugins(catalogue: readonly CatalogueEntry[]): Promise<PluginListing[]> {
  const { loaded } = await loadAll(catalogue);
  const listings = [...loaded].map(([entry, state]) => listing(entry, state));
  return listings.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function listing({ id, source, from }: CatalogueEntry, state: Loaded): PluginListing {
  const base = { id, spi: spiOf(id), name: nameOf(id), source, from };
  if ("failure" in state) return { ...base, error: state.failure.message };
  const { spi, description, options, policy, name } = state.plugin;
  const fields = Object.entries(policy).map(([field, schema]) => [field, schemaOf(schema)] as const);
  return {
    ...base,
    kind: spi.kind,
    description,
    options: options ? schemaOf(options) : { type: "object", additionalProperties: false },
    policy: Object.fromEntries(fields),
    fallback: spi.fallback === name,
  };
}

function schemaOf(schema: Schema): JsonSchema {
  return jsonSchemaOf(schema) ?? {};
}

/** Prints the plugins as a JSON array, or for people by SPI. */
export function showPlugins(terminal: Terminal, listings: readonly PluginListing[], json: boolean): ExitCode {
  if (json) terminal.out(JSON.stringify(listings, null, 2));
  else for (const [spi, own] of Map.groupBy(listings, ({ spi }) => spi)) showSpi(terminal, spi, own);
  return listings.some(({ error }) => error !== undefined) ? exitCodes.problems : exitCodes.ok;
}

function showSpi(terminal: Terminal, spi: string, listings: readonly PluginListing[]): void {
  const { kind = "unknown" } = listings.find((one) => one.kind) ?? {};
  terminal.out(`${terminal.styled("bold", spi)} ${terminal.styled("dim", kindText[kind] ?? "")}`);
  const rows = listings.map(({ name, source, fallback, description = "" }) => [
    name,
    fallback ? "default" : "",
    source,
    description,
  ]);
  for (const [index, line] of columns(rows).entries()) {
    const error = listings[index]?.error;
    terminal.out(error === undefined ? `  ${line}` : `  ${line.trimEnd()}  ${terminal.styled("red", error)}`);
  }
  terminal.out("");
}

const kindText: Readonly<Record<string, string>> = {
  one: "exactly one serves",
  named: "several may serve, chosen by name; the first is the default",
  chain: "used as a list",
};
