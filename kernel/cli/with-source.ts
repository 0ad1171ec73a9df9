import { StatusError } from "../call/status.ts";
import { type App, loadApp } from "../config/app.ts";
import { centralFile, sourceOnly } from "../config/central-rules.ts";
import { createKernel } from "../core/kernel.ts";
import { type ConfigSource, type ConfigVersion, configSource } from "../spi/config-source.ts";
import { type AppFlags, appOptions } from "./app-flags.ts";
import { type ExitCode, exitCodes, UserError } from "./exit.ts";
import { showFailure, showProblems } from "./show-problems.ts";
import type { World } from "./world.ts";

/** The source of an app's central rules, while it is asked. */
export interface Asked {
  /** As its files describe it. */
  readonly app: App;
  readonly source: ConfigSource;
}

/** Starts the config source of an app, and nothing else of it, for as long as `work` takes. */
export async function withSource(
  world: World,
  file: string,
  flags: AppFlags,
  work: (asked: Asked) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { terminal, ports } = world;
  const app = await loadApp(file, appOptions(world, flags));
  if (app.problems.length > 0) {
    showProblems(terminal, app.problems, "so its central rules are not looked at.");
    return exitCodes.problems;
  }
  const core = sourceOnly(app.core);
  if (!core) throw new UserError(`${file} has no central rules; select a source under use: { config-source: file }`);
  const kernel = createKernel({ catalogue: app.catalogue, ports });
  try {
    const started = await kernel.apply(core);
    if (!started.ok) {
      showFailure(terminal, started.error, "the central rules cannot be reached.");
      return exitCodes.failed;
    }
    return await work({ app, source: kernel.get(configSource) });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    terminal.err(`${terminal.styledErr("red", `${error.code}:`)} ${error.message}`);
    return error.code === "INVALID_ARGUMENT" ? exitCodes.usage : exitCodes.status;
  } finally {
    await kernel.stop();
  }
}

/** An app with the central rules that hold for it now; those that were good last here while their source is away. */
export async function ruledApp(world: World, file: string, flags: AppFlags): Promise<App> {
  const plain = await loadApp(file, appOptions(world, flags));
  if (plain.problems.length > 0 || !sourceOnly(plain.core)) return plain;
  let rules: ConfigVersion | undefined;
  await withSource(world, file, flags, async ({ source }) => {
    rules = await newestOrKept(world, plain.name, source);
    return exitCodes.ok;
  });
  return rules ? loadApp(file, { ...appOptions(world, flags), central: centralFile(rules) }) : plain;
}

async function newestOrKept(
  { terminal }: World,
  app: string,
  source: ConfigSource,
): Promise<ConfigVersion | undefined> {
  try {
    return await source.read(app);
  } catch (error) {
    const [kept] = await source.kept(app);
    const instead = kept ? `version ${kept.version}, which was good last here, is shown` : "they are left out";
    terminal.err(
      terminal.styledErr("yellow", `the central rules cannot be asked for; ${instead}: ${(error as Error).message}`),
    );
    return kept;
  }
}
