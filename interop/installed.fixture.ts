// What is installed here, as an app would find it.
import { type CatalogueEntry, loadAll, type Plugin, packagePlugins } from "@mortise/kernel";

/** The catalogue of this repository's plugins. */
export async function installed(): Promise<readonly CatalogueEntry[]> {
  const companions = { names: ["@mortise/plugins", "@mortise/telemetry"], dir: import.meta.dirname };
  return (await packagePlugins(import.meta.dirname, companions)).catalogue;
}

/** The plugins of one SPI, by name. */
export async function installedOf(spi: string): Promise<ReadonlyMap<string, Plugin>> {
  const entries = (await installed()).filter(({ id }) => id.startsWith(`${spi}/`));
  const { loaded } = await loadAll(entries);
  return new Map(
    [...loaded.values()].map((one) => {
      if ("failure" in one) throw new Error(one.failure.message);
      return [one.plugin.name, one.plugin];
    }),
  );
}
