import type { ExplainedNeed, ExplainedOption, ExplainedPlugin, ExplainedSelection, Explanation } from "./explain.ts";
import { formatLocation } from "./problems.ts";

/**
 * Draws a running system as a tree of text: what nobody needs at the top, below each plugin its options and what it was given.
 * What was drawn before is only named again.
 */
export function printExplanation({ generation, plugins }: Explanation): string {
  const byId = new Map(plugins.map((plugin) => [plugin.id, plugin]));
  const given = new Set(plugins.flatMap(({ needs }) => needs.flatMap((need) => need.given)));
  const drawn = new Set<string>();
  const tops = plugins.filter(({ id }) => !given.has(id));
  const lines = tops.flatMap((plugin) => drawPlugin(plugin, byId, drawn));
  for (const plugin of plugins) if (!drawn.has(plugin.id)) lines.push(...drawPlugin(plugin, byId, drawn)); // in a circle of live needs
  const count = `${plugins.length} plugin${plugins.length === 1 ? "" : "s"}`;
  return [`generation ${generation}, ${count}`, ...lines].join("\n");
}

type Plugins = ReadonlyMap<string, ExplainedPlugin>;

function drawPlugin(plugin: ExplainedPlugin, all: Plugins, drawn: Set<string>): string[] {
  if (drawn.has(plugin.id)) return [`${plugin.id} (above)`];
  drawn.add(plugin.id);
  const options = plugin.options.map(optionLine);
  const needs = plugin.needs.flatMap((need) => drawNeed(need, all, drawn));
  return [`${plugin.id}  ${[...reasonOf(plugin.selected), ...startOf(plugin)].join(", ")}`, ...options, ...needs];
}

function drawNeed({ name, asked, given }: ExplainedNeed, all: Plugins, drawn: Set<string>): string[] {
  const label = `  ${name}: ${asked}`;
  if (given.length === 0) return [`${label} → nothing`];
  const blocks = given.flatMap((id) => {
    const plugin = all.get(id);
    return plugin ? drawPlugin(plugin, all, drawn) : [id];
  });
  return [label, ...blocks.map((line) => `    ${line}`)];
}

function optionLine({ name, value, from }: ExplainedOption): string {
  const origin = from === undefined ? "" : `  (${from === "default" ? from : formatLocation(from)})`;
  return `  ${name} = ${JSON.stringify(value) ?? "undefined"}${origin}`;
}

function reasonOf({ why, location }: ExplainedSelection): string[] {
  const place = location ? ` at ${formatLocation(location)}` : "";
  if (why.by === "config") return [`selected${place}`];
  return [why.by === "fallback" ? `fallback for ${why.neededBy}` : `joins by itself, order ${why.order}`];
}

function startOf({ running, startMs = 0, since, source, from }: ExplainedPlugin): string[] {
  const start = running ? `started in ${startMs.toFixed(1)} ms for generation ${since}` : "does not run";
  return [start, `${source}: ${from}`];
}
