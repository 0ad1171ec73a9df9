import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { text } from "node:stream/consumers";
import { loadApp } from "../../config/app.ts";
import { centralTree } from "../../config/central-tree.ts";
import type { SourceFile } from "../../config/yaml-tree.ts";
import type { ConfigPath, Problem } from "../../core/config.ts";
import type { ConfigVersion } from "../../spi/config-source.ts";
import { type AppFlags, appOptions } from "../app-flags.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import { showProblems, showWarnings } from "../show-problems.ts";
import { columns } from "../table.ts";
import { type Asked, withSource } from "../with-source.ts";
import type { World } from "../world.ts";

export interface PublishFlags extends AppFlags {
  readonly by?: string;
  readonly note?: string;
  /** The version the change was made from. */
  readonly after?: string;
  /** Also rules of which none holds here. */
  readonly force?: boolean;
}

export interface ShowFlags extends AppFlags {
  readonly json?: boolean;
}

/** Checks a file of rules against the app and publishes it for all processes; `-` is standard input. */
export async function put(world: World, file: string, rules: string, flags: PublishFlags): Promise<ExitCode> {
  const given = rules === "-" ? await text(world.input) : await readRules(rules);
  return withSource(world, file, flags, (asked) =>
    publish(world, file, flags, asked, { file: rules === "-" ? "standard input" : rules, text: given }),
  );
}

/** Publishes an earlier version again, as a new one. */
export async function rollback(world: World, file: string, version: string, flags: PublishFlags): Promise<ExitCode> {
  return withSource(world, file, flags, async (asked) => {
    const { text } = await existing(asked, numberOf(version));
    const note = flags.note ?? `back to version ${version}`;
    return publish(world, file, { ...flags, note }, asked, { file: `central rules ${version}`, text });
  });
}

/** Prints the rules, the newest or those of one version; who, when and why goes to standard error. */
export async function get(world: World, file: string, version: string | undefined, flags: AppFlags): Promise<ExitCode> {
  const { terminal } = world;
  return withSource(world, file, flags, async (asked) => {
    const found = await existing(asked, version === undefined ? undefined : numberOf(version));
    terminal.err(terminal.styledErr("dim", rowOf(found).filter(Boolean).join("  ")));
    terminal.out(found.text.trimEnd());
    return exitCodes.ok;
  });
}

/** Lists the versions that are kept, the newest first. */
export async function history(world: World, file: string, { json, ...flags }: ShowFlags): Promise<ExitCode> {
  const { terminal } = world;
  return withSource(world, file, flags, async ({ app, source }) => {
    const versions = await source.history(app.name);
    if (json) terminal.out(JSON.stringify(versions, null, 2));
    else if (versions.length === 0) terminal.out("nothing is published yet");
    else for (const line of columns(versions.map(rowOf))) terminal.out(line.trimEnd());
    return exitCodes.ok;
  });
}

/** Shows which version each process runs, and which it has refused and why. */
export async function status(world: World, file: string, { json, ...flags }: ShowFlags): Promise<ExitCode> {
  const { terminal } = world;
  return withSource(world, file, flags, async ({ app, source }) => {
    const [newest, processes] = await Promise.all([source.read(app.name), source.reports(app.name)]);
    if (json) terminal.out(JSON.stringify({ newest: newest?.version ?? 0, processes }, null, 2));
    else {
      terminal.out(newest ? `newest: ${rowOf(newest).filter(Boolean).join("  ")}` : "nothing is published yet");
      const rows = processes.map(({ process, runs, refused }) => [
        `  ${process}`,
        runs === 0 ? "runs the app file alone" : `runs version ${runs}`,
        refused ? `refuses version ${refused.version}:` : "",
      ]);
      for (const [index, line] of columns(rows).entries()) {
        terminal.out(line.trimEnd());
        for (const reason of processes[index]?.refused?.reason.split("\n") ?? []) terminal.out(`    ${reason}`);
      }
    }
    return processes.some(({ refused }) => refused) ? exitCodes.problems : exitCodes.ok;
  });
}

async function publish(
  world: World,
  file: string,
  flags: PublishFlags,
  { app, source }: Asked,
  rules: SourceFile,
): Promise<ExitCode> {
  const { terminal } = world;
  const ruled = await loadApp(file, { ...appOptions(world, flags), central: rules });
  showWarnings(terminal, ruled.warnings);
  if (ruled.problems.length > 0) {
    showProblems(terminal, ruled.problems, "nothing was published.");
    return exitCodes.problems;
  }
  const idle = whyIdle(rules, ruled.warnings);
  if (idle !== undefined && !flags.force)
    throw new UserError(`${idle}; nothing was published. If it is meant, say --force`, exitCodes.problems);
  const after = flags.after === undefined ? ((await source.read(app.name))?.version ?? 0) : numberOf(flags.after, 0);
  const by = flags.by ?? userInfo().username;
  const made = await source.publish(app.name, { text: rules.text, by, note: flags.note ?? "", after });
  terminal.out(`version ${made.version} of the central rules of ${app.name} is published`);
  return exitCodes.ok;
}

/** Why rules change nothing here but to undo those before them; nothing where one of them holds. */
function whyIdle({ file, text }: SourceFile, warnings: readonly Problem[]): string | undefined {
  const tree = centralTree({ file, text }, () => undefined);
  const sections = tree?.kind === "map" ? [...tree.entries] : [];
  const names = sections.flatMap(([section, { value }]) =>
    value.kind === "map" ? [...value.entries.keys()].map((name) => keyOf([section, name])) : [],
  );
  if (names.length === 0) return `${file} holds no rules, so those that hold now would hold no more`;
  const unused = new Set(warnings.filter(({ code }) => code.endsWith("_UNUSED")).map(({ path }) => keyOf(path ?? [])));
  const holds = names.some((name) => !unused.has(name));
  return holds ? undefined : `no name in ${file} is known here, so those rules that hold now would hold no more`;
}

const keyOf = (path: ConfigPath): string => JSON.stringify(path.slice(0, 2));

async function existing({ app, source }: Asked, version: number | undefined): Promise<ConfigVersion> {
  const found = await source.read(app.name, version);
  if (found) return found;
  const what = version === undefined ? "nothing is published yet" : `there is no version ${version}`;
  throw new UserError(`${what} for ${app.name}; \`mortise config history\` lists what there is`, exitCodes.problems);
}

async function readRules(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function numberOf(text: string, least = 1): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new UserError(`a version is a whole number from ${least} on, not "${text}"`);
}

function rowOf({ version, at, by, note }: ConfigVersion): string[] {
  return [`version ${version}`, new Date(at).toISOString(), by, note];
}
