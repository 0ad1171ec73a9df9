import type { Catalogue } from "./catalogue.ts";
import { type ChangeReport, changeTo, type Ground } from "./change.ts";
import type { CoreConfig, Problem } from "./config.ts";
import { KernelError } from "./errors.ts";
import { type Explanation, explainSystem } from "./explain.ts";
import { type FlipListener, liveSystem } from "./live-system.ts";
import { loadUsed } from "./load.ts";
import { plan } from "./plan.ts";
import type { Generation, Log } from "./plugin.ts";
import { type Ports, systemPorts } from "./ports.ts";
import { retirement } from "./retire.ts";
import { stopUnits } from "./run-steps.ts";
import type { Spi } from "./spi.ts";
import type { World } from "./unit.ts";

export interface KernelOptions {
  readonly catalogue: Catalogue;
  /** Default: the real world. */
  readonly ports?: Ports;
  /** Default: nothing is written. */
  readonly log?: Log;
  /** How long one plugin may take to start. Default 30000. */
  readonly startTimeoutMs?: number;
  /** How long one plugin may take to stop. Default 10000. */
  readonly stopTimeoutMs?: number;
  /** How long work of older generations is waited for before what it uses is stopped. Default 30000. */
  readonly drainTimeoutMs?: number;
}

/** Runs plugins as a configuration wants them, and changes them while they run. */
export interface Kernel extends AsyncDisposable {
  /**
   * Brings the system to a configuration: starts what is new, flips, drains and stops what is gone. Resolves right after the
   * flip; `settled` tells when the old is gone too. If anything is wrong, what ran before goes on and the error is returned.
   * Changes come one after the other. `catalogue` replaces the one the kernel has, if the change
   * is made.
   */
  apply(config: CoreConfig, catalogue?: Catalogue): Promise<ApplyResult>;
  /** The plugin that serves an SPI now, the first if there are several. Throws a KernelError NOT_SELECTED, NOT_RUNNING or KERNEL_STOPPED. */
  get<T>(spi: Spi<T>): T;
  /** All plugins that serve an SPI now, by alias or name in configured order. */
  every<T>(spi: Spi<T>): ReadonlyMap<string, T>;
  generation(): Generation;
  /** Calls back right after each flip. Returns how to end that. */
  onFlip(listener: FlipListener): () => void;
  /** What runs, why, with which options. */
  explain(): Explanation;
  /** Stops everything, askers first. Rejects with a KernelError STOP_FAILED after all has been tried; calling again gives the same. */
  stop(): Promise<void>;
}

export type ApplyResult = Applied | Refused;

export interface Applied extends ChangeReport {
  readonly ok: true;
  readonly warnings: readonly Problem[];
}

export interface Refused {
  readonly ok: false;
  /** CONFIG_INVALID with all problems, or what the first plugin that failed reported. */
  readonly error: KernelError;
  readonly warnings: readonly Problem[];
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Makes a kernel in which nothing runs yet: generation 0. */
export function createKernel(options: KernelOptions): Kernel {
  const { ports = systemPorts, log = silent, startTimeoutMs = 30_000 } = options;
  const { stopTimeoutMs = 10_000, drainTimeoutMs = 30_000 } = options;
  const live = liveSystem(log);
  const world: World = { ports, log, generation: live.generation, startTimeoutMs, stopTimeoutMs, drainTimeoutMs };
  const giveUp = new AbortController();
  const ground: Ground = { live, retiring: retirement(world), world, giveUp: giveUp.signal };
  let catalogue = options.catalogue;
  let queue: Promise<unknown> = Promise.resolve();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    giveUp.abort(new KernelError("KERNEL_STOPPED", "a start was under way."));
    live.close();
    stopped ??= stopAll(queue, ground);
    return stopped;
  };
  return {
    apply(config, next) {
      const result = queue.then(() => applyTo(config, next ?? catalogue, ground));
      queue = result.then(({ ok }) => {
        if (ok) catalogue = next ?? catalogue;
      }, ignore);
      return result;
    },
    get(spi) {
      const [first] = live.every(spi).values();
      if (first !== undefined) return first;
      throw new KernelError("NOT_SELECTED", `${spi.id} was asked for, but nothing is selected.`);
    },
    every: live.every,
    generation: live.generation,
    onFlip: live.onFlip,
    explain: () => explainSystem(live.now(), live.generation().id),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function applyTo(config: CoreConfig, catalogue: Catalogue, ground: Ground): Promise<ApplyResult> {
  const planned = plan(await loadUsed(catalogue, config), config);
  const { warnings } = planned;
  const refuse = (error: KernelError): Refused => ({ ok: false, error, warnings });
  if (ground.giveUp.aborted) return refuse(new KernelError("KERNEL_STOPPED", "apply was called too late."));
  if (!planned.plan) return refuse(invalid(planned.problems));
  const changed = await changeTo(planned.plan, ground);
  return "error" in changed ? refuse(changed.error) : { ok: true, warnings, ...changed.changes };
}

/** Stops everything once the change under way is over. */
async function stopAll(changes: Promise<unknown>, { live, retiring, world }: Ground): Promise<void> {
  retiring.hurry();
  await changes;
  await retiring.done();
  const problems = await stopUnits(live.now().units.values(), world);
  live.end();
  if (problems.length === 0) return;
  throw new KernelError("STOP_FAILED", counted(problems, "plugin", "did not stop well."), { problems });
}

/** Makes a kernel and applies a configuration. Throws the KernelError of a refusal; then nothing runs. */
export async function startKernel(options: KernelOptions, config: CoreConfig): Promise<Kernel> {
  const kernel = createKernel(options);
  const result = await kernel.apply(config);
  if (result.ok) return kernel;
  await kernel.stop();
  throw result.error;
}

function invalid(problems: readonly Problem[]): KernelError {
  return new KernelError("CONFIG_INVALID", counted(problems, "problem", "in the configuration."), { problems });
}

function counted(things: readonly unknown[], name: string, end: string): string {
  return `${things.length} ${name}${things.length === 1 ? "" : "s"} ${end}`;
}

/** For a promise whose failure somebody else reports. */
function ignore(): void {}
