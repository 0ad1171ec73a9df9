import type { Problem } from "../core/config.ts";
import type { KernelError } from "../core/errors.ts";
import type { Applied, ApplyResult, Kernel } from "../core/kernel.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { formatProblem } from "../core/problems.ts";
import type { TransactionTable } from "../runtime/transaction-policy.ts";
import type { ConfigVersion } from "../spi/config-source.ts";
import type { App } from "./app.ts";
import { CentralRules, centralFile, nameOf, sourceOnly } from "./central-rules.ts";
import { judged } from "./judged.ts";
import type { SourceFile } from "./yaml-tree.ts";

export interface LiveAppOptions {
  readonly kernel: Kernel;
  readonly ports: Ports;
  readonly log: Log;
  /** The app as its files describe it, without problems. */
  readonly app: App;
  /** Reads its files again, with these central rules laid over them. */
  readonly load: (central?: SourceFile) => Promise<App>;
  /** What this process is called where others ask which rules it runs. */
  readonly process: string;
  /** How long a start waits for the central rules before it takes those that were good last, in milliseconds. Default 2000. */
  readonly centralWaitMs?: number;
}

/** An app that runs and goes along with changes of its files and of its central rules, each of them checked first. */
export interface LiveApp {
  /** Settles when it runs, or has been refused. */
  readonly started: Promise<ApplyResult>;
  /** Its files have changed. What is wrong is told in the log and changes nothing. */
  reload(): Promise<void>;
  /** Goes along no more; resolves when the last change has been made. */
  close(): Promise<void>;
}

/** Starts an app: with a config source that one first, then everything, with the newest rules that are good. */
export function liveApp(options: LiveAppOptions): LiveApp {
  const { kernel, ports, log, app, process } = options;
  let closed = false;
  const changed = (version: ConfigVersion | undefined) =>
    void enqueue(() => follow(version, living)).catch(() => undefined);
  const rules = new CentralRules({ kernel, ports, log, app: app.name, process, changed });
  const living: Living = { ...options, rules, applied: undefined };
  const started = begin(living);
  let queue: Promise<unknown> = started;

  /** Changes are made one after another, and none once it is closed. */
  function enqueue(work: () => Promise<void>): Promise<void> {
    const done = queue.then(() => (closed ? undefined : work()));
    queue = done.catch((error: unknown) => log.error("a change of the configuration failed", { error }));
    return done;
  }

  const offFlip = kernel.onFlip(() => rules.attach());
  return {
    started,
    reload: () => enqueue(() => reload(living)),
    async close() {
      closed = true;
      offFlip();
      rules.close();
      await queue;
    },
  };
}

interface Living extends LiveAppOptions {
  readonly rules: CentralRules;
  /** What is said of transactions by what is applied; nothing before anything is. */
  applied: TransactionTable | undefined;
}

async function begin(living: Living): Promise<ApplyResult> {
  const { kernel, app, rules, log, centralWaitMs = 2000 } = living;
  const bootstrap = sourceOnly(app.core);
  if (!bootstrap) return applyTo(living, app);
  const booted = await kernel.apply(bootstrap);
  if (!booted.ok) return booted;
  rules.attach();
  const candidates = await rules.candidates(centralWaitMs);
  for (const version of candidates) {
    const result = await attempt(version, living);
    if (result?.ok) return result;
  }
  if (candidates.length > 0) log.error("no central rules can be applied; the app file alone is");
  const result = await applyTo(living, app);
  rules.report();
  return result;
}

async function applyTo(living: Living, { core, catalogue, transactions }: App): Promise<ApplyResult> {
  const result = await living.kernel.apply(core, catalogue);
  if (result.ok) living.applied = transactions;
  return result;
}

/**
 * Applies the app with these rules; nothing comes back if they are refused. At a start those who run can be asked about them
 * only when they are applied; about rules that have proved good here nobody is asked then, for not all may be there yet.
 */
async function attempt(version: ConfigVersion, living: Living): Promise<ApplyResult | undefined> {
  const { kernel, app, load, rules, applied } = living;
  const next = await load(centralFile(version));
  const asked = applied ? await judged(next, kernel, applied) : next;
  if (asked.problems.length > 0) {
    rules.refuse(version, asked.problems);
    return undefined;
  }
  const result = await applyTo(living, next);
  if (!result.ok) {
    if (!isStopping(result.error)) rules.refuse(version, problemsOf(result.error));
    return result;
  }
  const isJudged = applied !== undefined || (await rules.hasProvedGood(version));
  const { problems } = isJudged ? next : await judged(next, kernel, app.transactions);
  if (problems.length > 0) {
    rules.refuse(version, problems);
    return undefined;
  }
  rules.adopt(version);
  return result;
}

/** The newest rules have become known. */
async function follow(version: ConfigVersion | undefined, living: Living): Promise<void> {
  const { rules, ports } = living;
  if (!rules.isNews(version)) return;
  const began = ports.clock.now();
  const result = await attempt(version, living);
  if (!result?.ok) return;
  const { version: number, by } = version;
  await tell(`${nameOf(version)} is applied`, { version: number, by }, began, result, living);
}

/** The files of the app have changed. */
async function reload(living: Living): Promise<void> {
  const { rules, ports, log } = living;
  const began = ports.clock.now();
  const { next, taken } = await reread(living);
  if (next.problems.length > 0) return refuseFiles(next.problems, log);
  for (const warning of next.warnings) log.warn(formatProblem(warning), { code: warning.code });
  const result = await applyTo(living, next);
  if (!result.ok) {
    if (isStopping(result.error)) log.info("the app stops; the next start reads its changed configuration");
    else refuseFiles(problemsOf(result.error), log);
    return;
  }
  if (taken && taken !== rules.running) rules.adopt(taken);
  rules.running = taken;
  await tell("the change of the configuration is applied", {}, began, result, living);
}

/** The files as they are now: with the newest rules if they are good for these, else with those that run. */
async function reread(living: Living): Promise<{ readonly next: App; readonly taken?: ConfigVersion }> {
  const { kernel, load, rules, applied = {} } = living;
  const plain = await load();
  if (plain.problems.length > 0 || !sourceOnly(plain.core)) return { next: plain };
  for (const taken of [rules.newest, rules.running]) {
    if (!taken) continue;
    const next = await load(centralFile(taken));
    if (taken === rules.running || (await judged(next, kernel, applied)).problems.length === 0) return { next, taken };
  }
  return { next: plain };
}

/** A change that comes while the app stops says nothing of the change. */
function isStopping({ code }: KernelError): boolean {
  return code === "KERNEL_STOPPED";
}

function refuseFiles(problems: readonly Problem[], log: Log): void {
  for (const problem of problems) log.error(formatProblem(problem), { code: problem.code });
  const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  log.error(`${count}, the running app is unchanged`);
}

/** Tells of a change that was made, and of what went wrong with what had to end, once it has ended. */
async function tell(
  message: string,
  about: Readonly<Record<string, unknown>>,
  began: number,
  { started, ended, generation, settled }: Applied,
  { ports, log }: Living,
): Promise<void> {
  const ms = Math.round(ports.clock.now() - began);
  log.info(message, { ...about, started, ended, ms, generation });
  const { problems } = await settled;
  for (const problem of problems) log.warn(formatProblem(problem), { code: problem.code });
}

function problemsOf({ code, subject, problems }: KernelError): readonly Problem[] {
  return problems.length > 0 ? problems : [{ code, message: subject, path: [] }];
}
