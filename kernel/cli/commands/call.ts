import { callContext } from "../../call/call-context.ts";
import type { CallContext } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { jsonOf } from "../../contract/json/json.ts";
import type { MessageType, Method } from "../../contract/types.ts";
import { KernelError } from "../../core/errors.ts";
import { clients } from "../../spi/runtime.ts";
import { methodOf, readTarget } from "../call/method-of.ts";
import { jsonRequests } from "../call/requests.ts";
import { openWay, type Way, type WayFlags } from "../call/way.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
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
  const { service, method: name } = readTarget(target);
  const context = contextOf(world, flags);
  const signal = stopSignal(() => undefined);
  void signal.stopped.then(() => context.cancel(new StatusError("CANCELLED", "interrupted")));
  try {
    const way = await openWay(world, service, flags, context);
    try {
      await exchange(world, way, methodOf(way.contract, name), request, context);
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

async function exchange(
  world: World,
  { kernel, contract }: Way,
  method: Method,
  argument: string | undefined,
  context: CallContext,
): Promise<void> {
  const client = kernel.get(clients).client(contract) as Readonly<Record<string, Calling>>;
  const streams = method.kind === "client-stream" || method.kind === "bidi-stream";
  const requests = guarded(messages(method.input, jsonRequests(argument ?? (streams ? "-" : "{}"), world.input)));
  const limited = method.kind === "unary" ? context.with({ timeoutMs: defaultTimeoutMs }) : context;
  const json = jsonOf(method.output);
  try {
    const answer = client[method.name]?.(streams ? requests.all : await single(requests.all, method), limited);
    if (isStream(answer)) {
      for await (const message of answer)
        world.terminal.out(JSON.stringify(json.toJson(message, { emitDefaults: true })));
    } else {
      world.terminal.out(JSON.stringify(json.toJson(await answer, { emitDefaults: true }), null, 2));
    }
  } catch (error) {
    throw requests.fault() ?? error;
  }
}

type Calling = (request: unknown, context: CallContext) => unknown;

function isStream(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
}

async function* messages(type: MessageType, values: AsyncIterable<unknown>): AsyncIterable<unknown> {
  for await (const value of values) yield read(value, type);
}

function read(value: unknown, type: MessageType): unknown {
  try {
    return jsonOf(type).fromJson(value);
  } catch (error) {
    if (error instanceof StatusError) throw new UserError(`the request does not fit its contract: ${error.message}`);
    throw error;
  }
}

/** Requests whose own fault is remembered: the call that sends them would hide it behind a status. */
function guarded(requests: AsyncIterable<unknown>): { readonly all: AsyncIterable<unknown>; fault(): unknown } {
  let fault: unknown;
  async function* all() {
    try {
      yield* requests;
    } catch (error) {
      fault = error;
      throw error;
    }
  }
  return { all: all(), fault: () => fault };
}

async function single(requests: AsyncIterable<unknown>, { path }: Method): Promise<unknown> {
  const all: unknown[] = [];
  for await (const request of requests) all.push(request);
  if (all.length === 1) return all[0];
  throw new UserError(`${path} takes exactly one request, not ${all.length}`);
}

function explain(terminal: Terminal, error: unknown): ExitCode {
  if (error instanceof KernelError) {
    showFailure(terminal, error, "nothing was called.");
    return exitCodes.failed;
  }
  if (!(error instanceof StatusError)) throw error;
  const reason = error.reason === undefined ? "" : ` (${error.reason})`;
  terminal.err(`${terminal.styledErr("red", `${error.code}:`)} ${error.message}${reason}`);
  for (const [name, value] of Object.entries(error.details)) terminal.err(`  ${name}: ${value}`);
  return exitCodes.status;
}
