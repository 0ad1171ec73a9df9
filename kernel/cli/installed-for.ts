import { cwd } from "node:process";
import { loadApp } from "../config/app.ts";
import { installedPlugins } from "../config/installed.ts";
import type { Catalogue } from "../core/catalogue.ts";
import { formatProblems } from "../core/problems.ts";
import { exitCodes, UserError } from "./exit.ts";
import type { World } from "./world.ts";

/** The plugins that can be named here: those installed for the current directory, or for an app file and named in it, its services included. */
export async function installedFor({ env }: World, file: string | undefined): Promise<Catalogue> {
  const { catalogue, problems } = file === undefined ? await installedPlugins(cwd()) : await loadApp(file, { env });
  const fatal = problems.filter(({ code }) => file === undefined || code === "CONFIG_FILE");
  if (fatal.length > 0) throw new UserError(formatProblems(fatal), exitCodes.problems);
  return catalogue;
}
