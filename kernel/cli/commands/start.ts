import { hostname } from "node:os";
import process from "node:process";
import { type App, loadApp } from "../../config/app.ts";
import { liveApp } from "../../config/live-app.ts";
import type { SourceFile } from "../../config/yaml-tree.ts";
import { KernelError } from "../../core/errors.ts";
import { type ApplyResult, createKernel, type Kernel } from "../../core/kernel.ts";
import type { Log } from "../../core/plugin.ts";
import { type AppFlags, appOptions } from "../app-flags.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import { followFiles } from "../follow-files.ts";
import { type LogFormat, type LogLevel, lineLog } from "../log.ts";
import { showFailure, showProblems, showWarnings } from "../show-problems.ts";
import { logStarted, showStarted } from "../show-started.ts";
import { type StopSignal, stopSignal } from "../signals.ts";
import type { World } from "../world.ts";

export interface StartFlags extends AppFlags {
  readonly logLevel: LogLevel;
  readonly logFormat?: LogFormat;
  /** Seconds. */
  readonly startTimeout: string;
  readonly watch: boolean;
}

/** Starts an app, applies changes of its files, and stops it on the first SIGINT or SIGTERM. */
export async function start(world: World, file: string, flags: StartFlags): Promise<ExitCode> {
  const { terminal, ports, interactive } = world;
  const began = ports.clock.now();
  const startTimeoutMs = milliseconds(flags.startTimeout);
  const load = (central?: SourceFile) => loadApp(file, { ...appOptions(world, flags), ...(central && { central }) });
  const app = await load();
  showWarnings(terminal, app.warnings);
  if (app.problems.length > 0) {
    showProblems(terminal, app.problems, "nothing was started.");
    return exitCodes.problems;
  }
  const format = flags.logFormat ?? (interactive ? "text" : "json");
  const log = lineLog({
    level: flags.logLevel,
    format,
    color: interactive,
    clock: ports.clock,
    write: (line) => terminal.err(line),
  });
  const kernel = createKernel({ catalogue: app.catalogue, ports, log, startTimeoutMs });
  const signal = stopSignal(() => terminal.err("Stopped without waiting."));
  const live = liveApp({ kernel, ports, log, app, load, process: processName() });
  const { started } = live;
  const watching = flags.watch ? followFiles(app, live, ports, log) : undefined;
  try {
    return await run({ world, app, kernel, log, format, began, signal, started });
  } finally {
    await watching?.close();
    await live.close();
    signal.dispose();
  }
}

interface Run {
  readonly world: World;
  readonly app: App;
  readonly kernel: Kernel;
  readonly log: Log;
  readonly format: LogFormat;
  readonly began: number;
  readonly signal: StopSignal;
  readonly started: Promise<ApplyResult>;
}

async function run(given: Run): Promise<ExitCode> {
  const { world, app, kernel, log, format, began, signal, started } = given;
  const result = await Promise.race([started, signal.stopped]);
  if (typeof result === "object" && !result.ok) {
    showFailure(world.terminal, result.error, "nothing is running.");
    await kernel.stop(); // the source of central rules has started before
    return exitCodes.failed;
  }
  if (typeof result === "object") {
    const summary = { app: app.name, kernel, tookMs: world.ports.clock.now() - began };
    if (format === "json") logStarted(log, summary);
    else showStarted(world.terminal, summary);
  }
  const idle = new AbortController();
  const awake = world.ports.timers.sleep(Number.POSITIVE_INFINITY, idle.signal).catch(() => undefined);
  await Promise.race([signal.stopped, awake]);
  idle.abort();
  return stop(given);
}

async function stop({ world, app, kernel, log, signal }: Run): Promise<ExitCode> {
  log.info(`${app.name} is stopping`, { signal: await signal.stopped });
  try {
    await kernel.stop();
    log.info(`${app.name} has stopped`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    showFailure(world.terminal, error, "everything else has stopped.");
    return exitCodes.failed;
  }
}

/** What others call this process. */
function processName(): string {
  return `${hostname()}:${process.pid}`;
}

function milliseconds(seconds: string): number {
  const value = Number(seconds);
  if (value > 0 && Number.isFinite(value)) return value * 1000;
  throw new UserError(`--start-timeout takes a number of seconds above 0, not "${seconds}"`);
}
