import { configSchema } from "../../config/json-schema.ts";
import { loadAll } from "../../core/load.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { installedFor } from "../installed-for.ts";
import type { World } from "../world.ts";

/** Prints the JSON Schema of app files, with the plugins that are installed here or that an app file names. */
export async function schema(world: World, file: string | undefined): Promise<ExitCode> {
  const { loaded } = await loadAll(await installedFor(world, file));
  const plugins = [...loaded.values()].flatMap((state) => ("plugin" in state ? [state.plugin] : []));
  world.terminal.out(JSON.stringify(configSchema(plugins), null, 2));
  return exitCodes.ok;
}
