import { isDeepStrictEqual } from "node:util";
import type { Catalogue } from "./catalogue.ts";
import { changedSpis } from "./changed-spis.ts";
import type { CoreConfig, Problem } from "./config.ts";
import { type Changes, diff } from "./diff.ts";
import { KernelError, reasonOf } from "./errors.ts";
import { type Explanation, explainSystem } from "./explain.ts";
import { generations } from "./generations.ts";
import { loadUsed } from "./load.ts";
import { type Plan, plan } from "./plan.ts";
import type { Generation, Log } from "./plugin.ts";
import { type Ports, systemPorts } from "./ports.ts";
import { type Retirement, retirement } from "./retire.ts";
import { lookupIn, type StartFailure, stopUnits } from "./run-steps.ts";
import type { Spi } from "./spi.ts";
import { type System, type Transition, transition } from "./transition.ts";
import { stepProblem, type World } from "./unit.ts";

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
   * Changes come one after the other. `catalogue` replaces the one the kernel has.
   */
  apply(config: CoreConfig, catalogue?: Catalogue): Promise<ApplyResult>;
  /** The plugin that serves an SPI now, the first if there are several. Throws a KernelError NOT_SELECTED, NOT_RUNNING or KERNEL_STOPPED. */
  get<T>(spi: Spi<T>): T;
  /** All plugins that serve an SPI now, by alias or name in configured order. */
  every<T>(spi: Spi<T>): ReadonlyMap<string, T>;
  generation(): Generation;
  /** Calls back right after each flip. Returns how to end that. */
  onFlip(listener: (generation: Generation) => void): () => void;
  /** What runs, why, with which options. */
  explain(): Explanation;
  /** Stops everything, askers first. Rejects with a KernelError STOP_FAILED after all has been tried; calling again gives the same. */
  stop(): Promise<void>;
}

export type ApplyResult = Applied | Refused;

export interface Applied {
  readonly ok: true;
  /** Id of the generation that serves now. */
  readonly generation: number;
  readonly warnings: readonly Problem[];
  /** Ids of plugins that were started, that stayed, and that end. */
  readonly started: readonly string[];
  readonly kept: readonly string[];
  readonly ended: readonly string[];
  /** Resolves when what ends is stopped. Never rejects. */
  readonly settled: Promise<Settled>;
}

export interface Settled {
  /** What went wrong while plugins were stopped. */
  readonly problems: readonly Problem[];
}

export interface Refused {
  readonly ok: false;
  /** CONFIG_INVALID with all problems, or what the first plugin that failed reported. */
  readonly error: KernelError;
  readonly warnings: readonly Problem[];
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const nothing: System = {
  plan: { config: { use: {}, options: {} }, steps: new Map(), serving: new Map() },
  units: new Map(),
};

/** Makes a kernel in which nothing runs yet: generation 0. */
export function createKernel(options: KernelOptions): Kernel {
  const { ports = systemPorts, log = silent, startTimeoutMs = 30_000, stopTimeoutMs = 10_000 } = options;
  const { drainTimeoutMs = 30_000 } = options;
  const leases = generations();
  const world: World = { ports, log, generation: leases.current, startTimeoutMs, stopTimeoutMs, drainTimeoutMs };
  const retiring: Retirement = retirement(world);
  const listeners = new Set<(generation: Generation) => void>();
  const giveUp = new AbortController();
  let system = nothing;
  let catalogue = options.catalogue;
  let queue: Promise<unknown> = Promise.resolve();
  let stopped: Promise<void> | undefined;

  async function change(config: CoreConfig): Promise<ApplyResult> {
    const planned = plan(await loadUsed(catalogue, config), config);
    const { warnings } = planned;
    if (stopped) return { ok: false, error: new KernelError("KERNEL_STOPPED", "apply was called too late."), warnings };
    if (!planned.plan) return { ok: false, error: invalid(planned.problems), warnings };
    const running = new Map([...system.units].map(([id, { step }]) => [id, step]));
    const changes = diff(running, planned.plan);
    if (isSame(changes, system.plan, planned.plan)) return unchanged(planned.plan, changes, warnings);
    if (mustWait(changes, planned.plan)) await retiring.done();
    return finish(await transition(system, planned.plan, changes, world, giveUp.signal), changes, warnings);
  }

  /** Whether something that only one can hold is still held by a plugin of an older generation, or used by one. */
  function mustWait({ endFirst, start }: Changes, { steps }: Plan): boolean {
    const spis = new Set(start.map((id) => steps.get(id)?.plugin.spi.id));
    const held = retiring.waiting().some(({ step }) => step.exclusive && spis.has(step.plugin.spi.id));
    return held || endFirst.size > 0;
  }

  function unchanged(same: Plan, { keep }: Changes, warnings: readonly Problem[]): Applied {
    adopt({ plan: same, units: system.units });
    const generation = world.generation().id;
    const settled = retiring.done().then(() => ({ problems: [] }));
    return { ok: true, generation, warnings, started: [], kept: [...keep], ended: [], settled };
  }

  function finish(done: Transition, { start, keep, end }: Changes, warnings: readonly Problem[]): ApplyResult {
    const { failures, gone, followers, problems } = done;
    const left = done.changed ? flip(done.system) : Promise.resolve();
    const retired = retiring.retire(gone, left, followers);
    if (failures.length > 0) return { ok: false, error: failed(failures, problems), warnings };
    const settled = retired.then((later) => ({ problems: [...problems, ...later] }));
    return {
      ok: true,
      generation: world.generation().id,
      warnings,
      started: start,
      kept: [...keep],
      ended: end,
      settled,
    };
  }

  /** The moment a system begins to serve: nothing in here waits. Resolves when nobody uses an older one. */
  function flip(next: System): Promise<void> {
    const changed = changedSpis(system, next);
    adopt(next);
    const left = leases.advance(changed);
    for (const listener of listeners) {
      try {
        listener(leases.current());
      } catch (error) {
        log.error(`a listener failed after the flip: ${reasonOf(error)}`);
      }
    }
    return left;
  }

  function adopt(next: System): void {
    const lookup = lookupIn(next.units);
    for (const [id, unit] of next.units) {
      unit.step = next.plan.steps.get(id) ?? unit.step;
      unit.wiring.link(unit.step, lookup);
    }
    system = next;
  }

  function every<T>(spi: Spi<T>): ReadonlyMap<string, T> {
    if (stopped) throw new KernelError("KERNEL_STOPPED", `${spi.id} was asked for.`);
    const lookup = lookupIn(system.units);
    const serving = system.plan.serving.get(spi.id) ?? [];
    return new Map(serving.map(({ alias, step }) => [alias, lookup(step) as T])); // the plan matched plugin and SPI
  }

  async function end(): Promise<void> {
    giveUp.abort(new KernelError("KERNEL_STOPPED", "a start was under way."));
    retiring.hurry();
    await queue;
    await retiring.done();
    const problems = await stopUnits(system.units.values(), world);
    leases.end();
    system = nothing;
    if (problems.length > 0)
      throw new KernelError("STOP_FAILED", counted(problems, "plugin", "did not stop well."), { problems });
  }

  const stop = () => {
    stopped ??= end();
    return stopped;
  };
  return {
    apply(config, next) {
      const result = queue.then(() => {
        catalogue = next ?? catalogue;
        return change(config);
      });
      queue = result.catch(() => undefined);
      return result;
    },
    get(spi) {
      const [first] = every(spi).values();
      if (first === undefined)
        throw new KernelError("NOT_SELECTED", `${spi.id} was asked for, but nothing is selected.`);
      return first;
    },
    every,
    generation: leases.current,
    onFlip(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    explain: () => explainSystem(system, world.generation().id),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Makes a kernel and applies a configuration. Throws the KernelError of a refusal; then nothing runs. */
export async function startKernel(options: KernelOptions, config: CoreConfig): Promise<Kernel> {
  const kernel = createKernel(options);
  const result = await kernel.apply(config);
  if (result.ok) return kernel;
  await kernel.stop();
  throw result.error;
}

function isSame({ start, end }: Changes, before: Plan, after: Plan): boolean {
  return start.length === 0 && end.length === 0 && isDeepStrictEqual(before.serving, after.serving);
}

function invalid(problems: readonly Problem[]): KernelError {
  return new KernelError("CONFIG_INVALID", counted(problems, "problem", "in the configuration."), { problems });
}

/** One error for everything that failed: the first failure leads, those it brought about are left out. */
function failed(failures: readonly StartFailure[], others: readonly Problem[]): KernelError {
  const own = failures.filter(({ error }) => error.code !== "START_GIVEN_UP");
  const shown = own.length > 0 ? own : failures;
  const problems = shown.map(({ step, error: { code, subject } }) => stepProblem(step, code, subject));
  const { error } = shown[0] as StartFailure;
  return new KernelError(error.code, error.subject, { cause: error.cause, problems: [...problems, ...others] });
}

function counted(things: readonly unknown[], name: string, end: string): string {
  return `${things.length} ${name}${things.length === 1 ? "" : "s"} ${end}`;
}
