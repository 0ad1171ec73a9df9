import type { Problem } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import { KernelError, type KernelErrorCode, reasonOf } from "./errors.ts";
import type { Deps, Needs } from "./needs.ts";
import type { Step } from "./plan.ts";
import type { Generation, Log, Running } from "./plugin.ts";
import type { Ports } from "./ports.ts";
import { type Lookup, type Wiring, wire } from "./wiring.ts";

/** What every start and stop uses. */
export interface World {
  readonly ports: Ports;
  readonly log: Log;
  readonly generation: () => Generation;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

/** A plugin that runs. */
export interface Unit {
  /** As the generation that serves now sees it; changes when the plugin is kept. */
  step: Step;
  readonly running: Running<unknown>;
  readonly wiring: Wiring;
  readonly startMs: number;
  /** The generation it was started for. */
  readonly since: number;
}

/**
 * Starts one plugin. Rejects with a KernelError START_FAILED, START_TIMEOUT, START_GIVEN_UP or SETUP_INVALID. Once `giveUp` is
 * aborted the plugin has the time of a stop to end its start. Whoever starts too late is stopped again.
 */
export async function startUnit(step: Step, lookup: Lookup, world: World, giveUp: AbortSignal): Promise<Unit> {
  const { ports, startTimeoutMs, stopTimeoutMs } = world;
  const control = new AbortController();
  const abort = () => control.abort(giveUp.reason);
  if (giveUp.aborted) abort();
  else giveUp.addEventListener("abort", abort, { once: true });
  const began = ports.clock.now();
  const took = () => ports.clock.now() - began;
  const late = () => new KernelError("START_TIMEOUT", `${step.id} did not start within ${Math.round(took())} ms.`);
  const work = setUp(step, lookup, world, control.signal);
  try {
    const limit = { ms: startTimeoutMs, late, hurry: { signal: giveUp, ms: stopTimeoutMs } };
    const started = await withDeadline(ports.timers, limit, work);
    return { step, ...started, startMs: took(), since: world.generation().id + 1 };
  } catch (error) {
    control.abort(error);
    work.then(
      ({ running }) => stopLate(step, running, world),
      () => undefined, // it failed, which is what is reported
    );
    throw startError(step, error, giveUp);
  } finally {
    giveUp.removeEventListener("abort", abort);
  }
}

async function setUp(
  step: Step,
  lookup: Lookup,
  world: World,
  signal: AbortSignal,
): Promise<Pick<Unit, "running" | "wiring">> {
  const { plugin, options, key, inner } = step;
  const wiring = wire(step, lookup);
  const running: unknown = await plugin.setup({
    deps: wiring.deps as Deps<Needs>, // the plan matched them to the needs
    options,
    ports: world.ports,
    log: logOf(world.log, key),
    signal,
    generation: world.generation,
    inner: inner && lookup(inner.step),
    innerName: inner?.name ?? "",
  });
  if (isRunning(running)) return { running, wiring };
  throw new KernelError("SETUP_INVALID", `the setup of ${step.id} returned no { api }.`);
}

function isRunning(value: unknown): value is Running<unknown> {
  return typeof value === "object" && value !== null && "api" in value;
}

function startError(step: Step, cause: unknown, giveUp: AbortSignal): KernelError {
  if (cause instanceof KernelError && (cause.code === "SETUP_INVALID" || cause.code === "START_TIMEOUT")) return cause;
  if (giveUp.aborted) return new KernelError("START_GIVEN_UP", `the start of ${step.id} was given up.`, { cause });
  return new KernelError("START_FAILED", `${step.id} failed to start: ${reasonOf(cause)}`, { cause });
}

async function stopLate(step: Step, running: Running<unknown>, world: World): Promise<void> {
  world.log.warn(`${step.id} started after it had been given up, and is stopped again`);
  await stopRunning(step, running, world);
}

/** Stops one plugin. Never rejects: what goes wrong is returned, and the caller goes on. */
export function stopUnit({ step, running }: Unit, world: World): Promise<Problem[]> {
  return stopRunning(step, running, world);
}

async function stopRunning(step: Step, running: Running<unknown>, world: World): Promise<Problem[]> {
  const ms = world.stopTimeoutMs;
  const late = () => new KernelError("STOP_TIMEOUT", `${step.id} did not stop within ${ms} ms and was left behind.`);
  try {
    await withDeadline(world.ports.timers, { ms, late }, (async () => running.stop?.())());
    return [];
  } catch (error) {
    const timedOut = error instanceof KernelError && error.code === "STOP_TIMEOUT";
    const message = timedOut ? error.subject : `${step.id} failed to stop: ${reasonOf(error)}`;
    world.log.error(message, { plugin: step.key });
    return [stepProblem(step, timedOut ? "STOP_TIMEOUT" : "STOP_FAILED", message)];
  }
}

/** A problem of a step. */
export function stepProblem({ path, location }: Step, code: KernelErrorCode, message: string): Problem {
  return { code, message, path, location };
}

function logOf(log: Log, plugin: string): Log {
  return {
    debug: (message, fields) => log.debug(message, { plugin, ...fields }),
    info: (message, fields) => log.info(message, { plugin, ...fields }),
    warn: (message, fields) => log.warn(message, { plugin, ...fields }),
    error: (message, fields) => log.error(message, { plugin, ...fields }),
  };
}
