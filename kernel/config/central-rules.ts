import type { CoreConfig, Problem } from "../core/config.ts";
import type { Kernel } from "../core/kernel.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { formatProblem } from "../core/problems.ts";
import { type ConfigSource, type ConfigVersion, type ConfigWatch, configSource } from "../spi/config-source.ts";
import type { SourceFile } from "./yaml-tree.ts";

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

/** How rules are called in the log. */
export function nameOf(version: ConfigVersion | undefined): string {
  return version ? `version ${version.version} of the central rules` : "the app file alone";
}

export interface CentralRulesSetup {
  readonly kernel: Kernel;
  readonly ports: Ports;
  readonly log: Log;
  /** Whose rules. */
  readonly app: string;
  /** What this process is called where others ask which rules it runs. */
  readonly process: string;
  /** The newest rules have become known; nothing if there are none. */
  readonly changed: (newest: ConfigVersion | undefined) => void;
}

/** What a process knows of its central rules, and what it tells others about them. */
export class CentralRules {
  /** The newest there are, as far as the source has told. */
  newest: ConfigVersion | undefined = undefined;
  /** Those that are applied; nothing for the app file alone. */
  running: ConfigVersion | undefined = undefined;
  readonly #setup: CentralRulesSetup;
  readonly #first = Promise.withResolvers<void>();
  #source: ConfigSource | undefined = undefined;
  #watch: ConfigWatch | undefined = undefined;
  #refused: { readonly version: number; readonly reason: string } | undefined = undefined;
  #closed = false;

  constructor(setup: CentralRulesSetup) {
    this.#setup = setup;
  }

  /** Watches the source that serves now. */
  attach(): void {
    const { kernel, app, changed } = this.#setup;
    const now = kernel.every(configSource).values().next().value;
    if (now === this.#source || this.#closed) return;
    this.#watch?.close();
    this.#source = now;
    this.#watch = now?.watch(app, (version) => {
      this.newest = version;
      this.#first.resolve();
      changed(version);
    });
    this.report();
  }

  /** Tells others what this process makes of the rules. */
  report(): void {
    const { app, process } = this.#setup;
    const refused = this.#refused && { refused: this.#refused };
    this.#source?.report(app, { process, runs: this.running?.version ?? 0, ...refused });
  }

  /** What a start may run, the best first. Waits so long for the source, in milliseconds, and then takes what was good last. */
  async candidates(waitMs: number): Promise<readonly ConfigVersion[]> {
    if (!(await this.#known(waitMs))) {
      const older = await this.#older();
      this.#setup.log.warn(`the config source does not answer; ${nameOf(older[0])} is taken`);
      return older;
    }
    return this.newest ? [this.newest, ...(await this.#older(this.newest.version))] : [];
  }

  /** Whether the source tells of rules within so many milliseconds, or that there are none. */
  async #known(waitMs: number): Promise<boolean> {
    const over = new AbortController();
    const late = this.#setup.ports.timers.sleep(waitMs, over.signal).then(() => false); // keeps the process awake
    return Promise.race([this.#first.promise.then(() => true), late]).finally(() => {
      late.catch(() => undefined);
      over.abort();
    });
  }

  async #older(than = Number.POSITIVE_INFINITY): Promise<readonly ConfigVersion[]> {
    return ((await this.#source?.kept(this.#setup.app)) ?? []).filter(({ version }) => version < than);
  }

  /** Whether these have been applied on this machine before. */
  async hasProvedGood({ version, text }: ConfigVersion): Promise<boolean> {
    return (await this.#older()).some((one) => one.version === version && one.text === text);
  }

  /** Whether these are newer than what runs, and not refused. */
  isNews(version: ConfigVersion | undefined): version is ConfigVersion {
    return !!version && version.version > (this.running?.version ?? 0) && version.version !== this.#refused?.version;
  }

  /** These are applied, and so good. */
  adopt(version: ConfigVersion): void {
    const { app, log } = this.#setup;
    this.running = version;
    if ((this.#refused?.version ?? 0) <= version.version) this.#refused = undefined;
    this.report();
    this.#source?.keep(app, version).catch((error: unknown) => log.warn("good rules cannot be remembered", { error }));
  }

  /** These are wrong for this process, which goes on with what it runs. */
  refuse(version: ConfigVersion, problems: readonly Problem[]): void {
    const { log } = this.#setup;
    const reasons = problems.map(formatProblem);
    for (const reason of reasons) log.error(reason);
    const message = `${nameOf(version)} is refused, ${nameOf(this.running)} stays`;
    log.error(message, { version: version.version, by: version.by });
    if (version.version > (this.#refused?.version ?? 0))
      this.#refused = { version: version.version, reason: reasons.join("\n") };
    this.report();
  }

  /** Watches no more. */
  close(): void {
    this.#closed = true;
    this.#watch?.close();
  }
}
