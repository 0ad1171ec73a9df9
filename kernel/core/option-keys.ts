import type { CoreConfig } from "./config.ts";
import { type Definitions, nameOf, spiOf } from "./definitions.ts";
import { nearest, suggestion } from "./nearest.ts";
import type { ProblemList } from "./problems.ts";
import type { Selection } from "./select.ts";

/**
 * Looks at options that belong to no plugin of the system. A key that can belong to no installed plugin is a problem; options of
 * a plugin that is installed and not selected are a warning, so that a strategy can be swapped by one line and back.
 */
export function checkOptionKeys(
  { catalogue }: Definitions,
  selection: Selection,
  config: CoreConfig,
  problems: ProblemList,
  warnings: ProblemList,
): void {
  const used = selectedKeys(selection);
  const ids = [...new Set(catalogue.map(({ id }) => id))];
  for (const key of Object.keys(config.options)) {
    if (used.includes(key)) continue;
    const [id = "", alias] = key.split("#");
    const path = ["options", key];
    if (!ids.includes(id)) problems.add("OPTIONS_UNKNOWN", unknownKey(id, ids), path);
    else if (!selection.broken.has(spiOf(id))) warnings.add("OPTIONS_UNUSED", unusedKey(key, id, alias, used), path);
  }
}

function selectedKeys({ bySpi }: Selection): string[] {
  return [...bySpi.values()].flatMap(({ members, wrappers }) => [...members, ...wrappers].map(({ key }) => key));
}

function unknownKey(id: string, ids: readonly string[]): string {
  const sameSpi = ids.filter((other) => spiOf(other) === spiOf(id));
  const sameName = ids.filter((other) => nameOf(other) === id);
  const candidates = [sameName, sameSpi, ids].find((list) => list.length > 0) ?? [];
  return `options for "${id}", which is not an installed plugin.${suggestion(id, candidates)}`;
}

function unusedKey(key: string, id: string, alias: string | undefined, used: readonly string[]): string {
  const others = used.filter((other) => other === id || other.startsWith(`${id}#`));
  if (others.length === 0) return `options for ${key} have no effect: ${id} is not selected.`;
  const meant = nearest(key, others) ?? others.join(", ");
  const lacking = alias === undefined ? `${id} serves only under an alias` : `no ${id} has the alias ${alias}`;
  return `options for ${key} have no effect: ${lacking}. Did you mean ${meant}?`;
}
