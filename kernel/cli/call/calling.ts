import { callContext } from "../../call/call-context.ts";
import type { CallContext } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { KernelError } from "../../core/errors.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import { misuseOf } from "../misuse.ts";
import { showFailure } from "../show-problems.ts";
import { stopSignal } from "../signals.ts";
import type { World } from "../world.ts";

export interface CallingFlags {
  /** `name=value`. */
  readonly metadata: readonly string[];
  /** Milliseconds. */
  readonly timeout?: string;
}

/** Does what calls something, until it is interrupted; a status other than OK is shown. */
export async function calling(
  world: World,
  flags: CallingFlags,
  work: (context: CallContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const context = contextOf(world, flags);
  const signal = stopSignal(() => undefined);
  void signal.stopped.then(() => context.cancel(new StatusError("CANCELLED", "interrupted")));
  const idle = new AbortController();
  const awake = world.ports.timers.sleep(Number.POSITIVE_INFINITY, idle.signal).catch(() => undefined);
  try {
    return await work(context);
  } catch (error) {
    if (signal.requested) return exitCodes.interrupted;
    return explain(world, error);
  } finally {
    signal.dispose();
    idle.abort(); // until then a wait between two attempts must not end the process
    await awake;
  }
}

function contextOf({ ports }: World, { metadata, timeout }: CallingFlags): CallContext {
  const pairs = metadata.map((pair): [string, string] => {
    const at = pair.indexOf("=");
    if (at < 1) throw new UserError(`--metadata takes name=value, not "${pair}"`);
    return [pair.slice(0, at).toLowerCase(), pair.slice(at + 1)];
  });
  const timeoutMs = timeout === undefined ? undefined : Number(timeout);
  if (timeoutMs !== undefined && !(timeoutMs > 0)) {
    throw new UserError(`--timeout takes milliseconds above 0, not "${timeout}"`);
  }
  try {
    return callContext({ metadata: Object.fromEntries(pairs), ...(timeoutMs !== undefined && { timeoutMs }) }, ports);
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(error.message);
    throw error;
  }
}

function explain({ terminal }: World, error: unknown): ExitCode {
  if (error instanceof KernelError) {
    showFailure(terminal, error, "nothing was called.");
    return exitCodes.failed;
  }
  if (!(error instanceof StatusError) || misuseOf(error)) throw error;
  const reason = error.reason === undefined ? "" : ` (${error.reason})`;
  terminal.err(`${terminal.styledErr("red", `${error.code}:`)} ${error.message}${reason}`);
  for (const [name, value] of Object.entries(error.details)) terminal.err(`  ${name}: ${value}`);
  return exitCodes.status;
}
