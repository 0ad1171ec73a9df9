import { loadApp } from "../../config/app.ts";
import { type AppFlags, appOptions } from "../app-flags.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { showProblems, showWarnings } from "../show-problems.ts";
import type { World } from "../world.ts";

/** Checks an app without starting it: its files, plugins, options and policies. */
export async function check(world: World, file: string, flags: AppFlags): Promise<ExitCode> {
  const { terminal } = world;
  const { name, problems, warnings, core } = await loadApp(file, appOptions(world, flags));
  showWarnings(terminal, warnings);
  if (problems.length > 0) {
    showProblems(terminal, problems, "this app cannot be started.");
    return exitCodes.problems;
  }
  const services = [core.use.service ?? []].flat().length;
  terminal.out(
    `${terminal.styled("green", "✔")} ${name}: ${services === 1 ? "1 service" : `${services} services`}, no problems`,
  );
  return exitCodes.ok;
}
