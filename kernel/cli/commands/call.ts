import { callContext } from "../../call/call-context.ts";
import type { CallContext } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import type { Method, ServiceType } from "../../contract/types.ts";
import { KernelError } from "../../core/errors.ts";
import { exchange } from "../../generic/exchange.ts";
import { methodOf, readTarget } from "../../generic/method-of.ts";
import type { Way } from "../../generic/way.ts";
import { clients } from "../../spi/runtime.ts";
import { declaredContract } from "../call/find-contract.ts";
import { jsonRequests } from "../call/requests.ts";
import { openWay, type WayFlags } from "../call/way.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import { misuseOf } from "../misuse.ts";
import { showFailure } from "../show-problems.ts";
import { stopSignal } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import type { World } from "../world.ts";

export interface CallFlags extends WayFlags {
  /** `name=value`. */
  readonly metadata: readonly string[];
  /** Milliseconds. */
  readonly timeout?: string;
}

/** Calls one method and prints what comes back as JSON: one message indented, the messages of a stream one a line. */
export async function call(
  world: World,
  target: string,
  request: string | undefined,
  flags: CallFlags,
): Promise<ExitCode> {
  const context = contextOf(world, flags);
  const signal = stopSignal(() => undefined);
  void signal.stopped.then(() => context.cancel(new StatusError("CANCELLED", "interrupted")));
  try {
    const { service, method: name } = readTarget(target);
    const contract = flags.contract === undefined ? undefined : await declaredContract(flags.contract, service);
    const way = await openWay(world, flags);
    try {
      const found = contract ?? (await way.contract(service, context));
      await print(world, way, found, methodOf(found, name), request, context);
    } finally {
      await way.kernel.stop();
    }
    return exitCodes.ok;
  } catch (error) {
    if (signal.requested) return exitCodes.interrupted;
    return explain(world.terminal, error);
  } finally {
    signal.dispose();
  }
}

function contextOf({ ports }: World, { metadata, timeout }: CallFlags): CallContext {
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

/** How long a call with one answer may take where nobody says, in milliseconds. */
const defaultTimeoutMs = 10_000;

async function print(
  { terminal, input }: World,
  { kernel }: Way,
  contract: ServiceType,
  method: Method,
  argument: string | undefined,
  context: CallContext,
): Promise<void> {
  const sends = method.kind === "client-stream" || method.kind === "bidi-stream";
  const gives = method.kind === "server-stream" || method.kind === "bidi-stream";
  const requests = jsonRequests(argument ?? (sends ? "-" : "{}"), input);
  const limited = method.kind === "unary" ? context.with({ timeoutMs: defaultTimeoutMs }) : context;
  for await (const answer of exchange(kernel.get(clients), contract, method, requests, limited))
    terminal.out(gives ? JSON.stringify(answer) : JSON.stringify(answer, null, 2));
}

function explain(terminal: Terminal, error: unknown): ExitCode {
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
