import type { CoreConfig, Problem } from "../core/config.ts";
import type { KernelError } from "../core/errors.ts";
import type { ApplyResult, Kernel } from "../core/kernel.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { formatProblem } from "../core/problems.ts";
import { type ConfigSource, type ConfigVersion, type ConfigWatch, configSource } from "../spi/config-source.ts";
import type { App } from "./app.ts";
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

/** How central rules are called where something is wrong with them, or a value comes from them. */
export function centralFile({ version, text }: Pick<ConfigVersion, "version" | "text">): SourceFile {
  return { file: `central rules ${version}`, text };
}

/** The part of an app that gives it its central rules; nothing if it has none. */
export function sourceOnly({ use, options, ...rest }: CoreConfig): CoreConfig | undefined {
  const chosen = use[configSource.id];
  if (chosen === undefined) return undefined;
  const own = Object.entries(options).filter(([key]) => key.startsWith(`${configSource.id}/`));
  return { ...rest, use: { [configSource.id]: chosen }, options: Object.fromEntries(own) };
}

/** Starts an app: with a config source that one first, then everything, with the newest rules that are good. */
export function liveApp({ kernel, ports, log, app, load, process, centralWaitMs = 2000 }: LiveAppOptions): LiveApp {
  const first = Promise.withResolvers<void>();
  let source: ConfigSource | undefined;
  let watch: ConfigWatch | undefined;
  let newest: ConfigVersion | undefined;
  let running: ConfigVersion | undefined;
  let refused: { readonly version: number; readonly reason: string } | undefined;
  let closed = false;

  const started = begin();
  let queue: Promise<unknown> = started;
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const done = queue.then(() => (closed ? undefined : work()));
    queue = done.catch((error: unknown) => log.error("a change of the configuration failed", { error }));
    return done;
  };
  const offFlip = kernel.onFlip(attach);

  /** Watches the source that serves now. */
  function attach(): void {
    const now = kernel.every(configSource).values().next().value;
    if (now === source || closed) return;
    watch?.close();
    source = now;
    watch = now?.watch(app.name, (version) => {
      newest = version;
      first.resolve();
      void enqueue(() => follow(version)).catch(() => undefined);
    });
    report();
  }

  function report(): void {
    source?.report(app.name, { process, runs: running?.version ?? 0, ...(refused && { refused }) });
  }

  async function begin(): Promise<ApplyResult> {
    const bootstrap = sourceOnly(app.core);
    if (!bootstrap) return kernel.apply(app.core);
    const booted = await kernel.apply(bootstrap);
    if (!booted.ok) return booted;
    attach();
    const known = await within(first.promise);
    const candidates = known ? (newest ? [newest, ...(await older(newest.version))] : []) : await older();
    if (!known) log.warn(`the config source does not answer; ${nameOf(candidates[0])} is taken`);
    for (const version of candidates) {
      const result = await attempt(version);
      if (result?.ok) return result;
    }
    if (candidates.length > 0) log.error("no central rules can be applied; the app file alone is");
    const result = await kernel.apply(app.core);
    report();
    return result;
  }

  /** Whether it settles within the wait for the central rules. */
  async function within(event: Promise<void>): Promise<boolean> {
    const over = new AbortController();
    const late = ports.timers.sleep(centralWaitMs, over.signal).then(() => false); // keeps the process awake
    return Promise.race([event.then(() => true), late]).finally(() => {
      late.catch(() => undefined);
      over.abort();
    });
  }

  async function older(than = Number.POSITIVE_INFINITY): Promise<readonly ConfigVersion[]> {
    return ((await source?.kept(app.name)) ?? []).filter(({ version }) => version < than);
  }

  /** Applies the app with these rules; nothing comes back if they are refused before anything is applied. */
  async function attempt(version: ConfigVersion): Promise<ApplyResult | undefined> {
    const next = await load(centralFile(version));
    if (next.problems.length > 0) return refuseRules(version, next.problems);
    const result = await kernel.apply(next.core, next.catalogue);
    if (result.ok) adopt(version);
    else refuseRules(version, problemsOf(result.error));
    return result;
  }

  function adopt(version: ConfigVersion): void {
    running = version;
    if ((refused?.version ?? 0) <= version.version) refused = undefined;
    report();
    source?.keep(app.name, version).catch((error: unknown) => log.warn("good rules cannot be remembered", { error }));
  }

  function refuseRules(version: ConfigVersion, problems: readonly Problem[]): undefined {
    const reasons = problems.map(formatProblem);
    for (const reason of reasons) log.error(reason);
    log.error(`${nameOf(version)} is refused, ${nameOf(running)} stays`, { version: version.version, by: version.by });
    if (version.version > (refused?.version ?? 0)) refused = { version: version.version, reason: reasons.join("\n") };
    report();
  }

  /** The newest rules have become known. */
  async function follow(version: ConfigVersion | undefined): Promise<void> {
    if (!version || version.version <= (running?.version ?? 0) || version.version === refused?.version) return;
    const began = ports.clock.now();
    const result = await attempt(version);
    if (!result?.ok) return;
    const { started, ended, generation } = result;
    const ms = Math.round(ports.clock.now() - began);
    log.info(`${nameOf(version)} is applied`, {
      version: version.version,
      by: version.by,
      started,
      ended,
      ms,
      generation,
    });
    await settled(result);
  }

  async function reload(): Promise<void> {
    const began = ports.clock.now();
    const { next, rules } = await reread();
    if (next.problems.length > 0) return refuseFiles(next.problems);
    for (const warning of next.warnings) log.warn(formatProblem(warning), { code: warning.code });
    const result = await kernel.apply(next.core, next.catalogue);
    if (!result.ok) return refuseFiles(problemsOf(result.error));
    if (rules && rules !== running) adopt(rules);
    running = rules;
    const { started, ended, generation } = result;
    const ms = Math.round(ports.clock.now() - began);
    log.info("the change of the configuration is applied", { started, ended, ms, generation });
    await settled(result);
  }

  /** The files as they are now: with the newest rules if they are good for these, else with those that run. */
  async function reread(): Promise<{ readonly next: App; readonly rules: ConfigVersion | undefined }> {
    const plain = await load();
    if (plain.problems.length > 0 || !sourceOnly(plain.core)) return { next: plain, rules: undefined };
    for (const rules of [newest, running]) {
      if (!rules) continue;
      const next = await load(centralFile(rules));
      if (next.problems.length === 0 || rules === running) return { next, rules };
    }
    return { next: plain, rules: undefined };
  }

  function refuseFiles(problems: readonly Problem[]): void {
    for (const problem of problems) log.error(formatProblem(problem), { code: problem.code });
    const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
    log.error(`${count}, the running app is unchanged`);
  }

  async function settled(result: ApplyResult): Promise<void> {
    if (!result.ok) return;
    const { problems } = await result.settled;
    for (const problem of problems) log.warn(formatProblem(problem), { code: problem.code });
  }

  return {
    started,
    reload: () => enqueue(reload),
    async close() {
      closed = true;
      offFlip();
      watch?.close();
      await queue;
    },
  };
}

function problemsOf({ code, subject, problems }: KernelError): readonly Problem[] {
  return problems.length > 0 ? problems : [{ code, message: subject, path: [] }];
}

function nameOf(version: ConfigVersion | undefined): string {
  return version ? `version ${version.version} of the central rules` : "the app file alone";
}
