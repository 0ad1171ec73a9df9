import type { CallContext } from "../../call/context.ts";
import type { Method, ServiceType } from "../../contract/types.ts";
import { exchange } from "../../generic/exchange.ts";
import { methodOf, readTarget } from "../../generic/method-of.ts";
import type { Way } from "../../generic/way.ts";
import { clients } from "../../spi/runtime.ts";
import { type CallingFlags, calling } from "../call/calling.ts";
import { declaredContract } from "../call/find-contract.ts";
import { jsonRequests } from "../call/requests.ts";
import { openWay, type WayFlags } from "../call/way.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import type { World } from "../world.ts";

export interface CallFlags extends WayFlags, CallingFlags {}

/** Calls one method and prints what comes back as JSON: one message indented, the messages of a stream one a line. */
export async function call(
  world: World,
  target: string,
  request: string | undefined,
  flags: CallFlags,
): Promise<ExitCode> {
  return calling(world, flags, async (context) => {
    const { service, method: name } = readTarget(target);
    const contract = flags.contract === undefined ? undefined : await declaredContract(flags.contract, service);
    const way = await openWay(world, flags);
    try {
      const found = contract ?? (await way.contract(service, context));
      const method = methodOf(found, name);
      const isLimited = flags.timeout === undefined && method.kind === "unary";
      const limited = isLimited ? context.with({ timeoutMs: defaultTimeoutMs }) : context;
      await print(world, way, found, method, request, limited);
    } finally {
      await way.kernel.stop();
    }
    return exitCodes.ok;
  });
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
  for await (const answer of exchange(kernel.get(clients), contract, method, requests, context))
    terminal.out(gives ? JSON.stringify(answer) : JSON.stringify(answer, null, 2));
}
