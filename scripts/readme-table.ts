import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.ts";

/** Ids of all plugins of a workspace, as its manifest lists them. */
function pluginsOf(workspace: string): string[] {
  const { mortise } = JSON.parse(readFileSync(join(root, workspace, "package.json"), "utf8"));
  return Object.keys(mortise.plugins);
}

const folderOf = (id: string) => (id.startsWith("telemetry/") ? id : `plugins/${id}`);

/** The README's table of SPIs and plugins, by the manifests. */
export function pluginTable(): string {
  const bySpi = Map.groupBy([...pluginsOf("plugins"), ...pluginsOf("telemetry")].sort(), (id) =>
    id.slice(0, id.indexOf("/")),
  );
  const rows = [...bySpi].sort().map(([spi, ids]) => {
    const names = ids.map((id) => `[${id.slice(spi.length + 1)}](${folderOf(id)}/README.md)`);
    return `| [${spi}](docs/spi/${spi}.md) | ${names.join(", ")} |`;
  });
  return ["| SPI | plugins |", "|---|---|", ...rows].join("\n");
}

/** A README with the table of now in place of its own. */
export function withTable(readme: string): string {
  return readme.replace(/\| SPI \| plugins \|\n\|---\|---\|\n(\|.*\n)*/, `${pluginTable()}\n`);
}
