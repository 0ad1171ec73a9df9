import {
  asStatusError,
  type Bus,
  type Call,
  type CallSite,
  type Clients,
  type Cluster,
  type Context,
  contextKey,
  type Delivery,
  type Group,
  type Invoker,
  isFailure,
  type Log,
  type Method,
  type Ports,
  StatusError,
  type Subscription,
} from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { emptyReply } from "@mortise/kernel/spi/empty-reply";
import { contextOf, headersOf, type KeptCall, readKept, writeKept } from "./kept-call.ts";
import { type Pending, pendingCalls } from "./pending.ts";

export interface FailbackOptions {
  readonly retries: number;
  readonly delayMs: number;
  readonly maxPending: number;
}

export interface FailbackSetup {
  readonly options: FailbackOptions;
  readonly app: string;
  readonly bus: Bus;
  /** Read when a kept call is made again. */
  readonly clients: () => Clients;
  readonly ports: Ports;
  readonly log: Log;
}

/** Set in the context of a call that is made again, so that its failure is not kept once more. */
const again = contextKey("made again by failback", false);

/** Any member of the app makes the kept calls again. */
const members = "retry";

/** Where the kept calls of an app wait. */
function topicOf(app: string): string {
  return `mortise.failback.${app.replaceAll(/\W/g, "_")}`;
}

/** The calls of this process that wait; another member of the group may make them. */
export function pendingOf({ options: { retries, delayMs, maxPending }, ports }: FailbackSetup): Pending {
  return pendingCalls(maxPending, (retries + 2) * delayMs, ports.clock);
}

/**
 * One attempt; if it fails and may be made again, the call is kept on the bus and the caller gets an answer with nothing in
 * it.
 */
export function failbackCluster(setup: FailbackSetup, pending: Pending): Cluster {
  const { options, app, bus, ports, log } = setup;
  const topic = topicOf(app);

  async function keep({ method, request, context }: Call, error: StatusError): Promise<boolean> {
    if (!pending.room) {
      log.error(`${method.path} failed and is not kept: ${options.maxPending} calls wait already`, { error });
      return false;
    }
    const id = ports.ids.uuid();
    pending.add(id);
    try {
      const body = writeKept({
        service: method.service,
        method: method.name,
        request: codecOf(method.input).encode(request),
        headers: headersOf(context),
      });
      await bus.publish(topic, { id, body, headers: {} });
      log.warn(`${method.path} failed; it is made again in ${options.delayMs} ms`, { id, durable: bus.durable, error });
      return true;
    } catch (cause) {
      pending.over(id);
      log.error(`${method.path} failed and cannot be kept`, { error, cause });
      return false;
    }
  }

  return { invoker: (site, group) => failbackInvoker(site, group, keep, options.retries > 0) };
}

/** Makes the kept calls of the app again, here or in another process of it. */
export async function makeKeptCalls(setup: FailbackSetup, pending: Pending): Promise<Subscription | undefined> {
  const { options, app, bus } = setup;
  if (options.retries === 0) return undefined;
  return bus.subscribe(topicOf(app), members, (delivery) => retry(delivery, pending, setup), {
    maxAttempts: options.retries + 1, // the first delivery only waits
    backoffMs: options.delayMs,
    maxBackoffMs: options.delayMs,
  });
}

type Keep = (call: Call, error: StatusError) => Promise<boolean>;

function failbackInvoker({ method }: CallSite, group: Group, keep: Keep, on: boolean): Invoker {
  const attempt: Invoker = async (call) => group.attempt(call, await group.candidates(call));
  if (!on || method.kind !== "unary") return attempt;
  const empty = emptyReply(method);
  return async (call) => {
    try {
      return await attempt(call);
    } catch (thrown) {
      const error = asStatusError(thrown);
      const left = call.context.cancelled?.code === "CANCELLED";
      if (left || call.context.get(again) || !mayBeMadeAgain(method, error) || !(await keep(call, error))) throw error;
      return empty();
    }
  };
}

/** It provably reached nobody, or it failed for want of health and doing it twice does no harm. */
function mayBeMadeAgain({ facts }: Method, error: StatusError): boolean {
  return error.neverSent || (facts.idempotent && (error.retryable || isFailure(error.code)));
}

/** Resolves when nothing is left to do for a kept call; rejects when it is to be delivered again, or to be given up. */
async function retry({ id, body, attempt }: Delivery, pending: Pending, setup: FailbackSetup): Promise<void> {
  if (attempt === 1) throw new StatusError("UNAVAILABLE", "its time has not come yet");
  const { log, options } = setup;
  const kept = readKept(body);
  const path = `${kept.service}/${kept.method}`;
  const { error, repeatable } = await madeAgain(kept, setup);
  if (error && repeatable && attempt <= options.retries) throw error;
  pending.over(id);
  if (!error) return log.info(`${path} was made again and went well`, { id, retry: attempt - 1 });
  log.error(`${path} failed again and is given up${repeatable ? "; it is among the dead letters of the bus" : ""}`, {
    id,
    error,
  });
  if (repeatable) throw error;
}

interface Made {
  readonly error?: StatusError;
  readonly repeatable: boolean;
}

/** Makes a kept call as a call of its own: through the filters, with the deadline of its policy. */
async function madeAgain(kept: KeptCall, { clients, ports }: FailbackSetup): Promise<Made> {
  const { service, method: name } = kept;
  const contract = clients().contract(service);
  const method = contract?.methods[name];
  if (!contract || !method) {
    const error = new StatusError("UNIMPLEMENTED", `no service of this process is a client of ${service}/${name}`);
    return { error, repeatable: true }; // another process may be
  }
  const client = clients().client(contract) as Readonly<
    Record<string, (request: unknown, context: Context) => unknown>
  >;
  try {
    const request = codecOf(method.input).decode(kept.request);
    await client[name]?.(request, contextOf(kept.headers, ports).set(again, true));
    return { repeatable: false };
  } catch (thrown) {
    const error = asStatusError(thrown);
    return { error, repeatable: mayBeMadeAgain(method, error) };
  }
}
