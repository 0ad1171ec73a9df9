import type { Context } from "../call/context.ts";
import { StatusError } from "../call/status.ts";
import { jsonOf } from "../contract/json/json.ts";
import type { MessageType, Method, ServiceType } from "../contract/types.ts";
import type { Clients } from "../spi/runtime.ts";
import { misuse } from "./method-of.ts";

type Calling = (request: unknown, context: Context) => unknown;

/**
 * Calls a method with requests that are JSON values, as protobuf maps them, and gives the answers alike. Rejects with the status of the call,
 * or with INVALID_ARGUMENT, reason REQUEST_MISFIT or REQUEST_COUNT, for requests the method does not take; these are not sent.
 */
export async function* exchange(
  clients: Clients,
  contract: ServiceType,
  method: Method,
  requests: AsyncIterable<unknown>,
  context: Context,
): AsyncIterable<unknown> {
  const client = clients.client(contract) as Readonly<Record<string, Calling>>;
  const streams = method.kind === "client-stream" || method.kind === "bidi-stream";
  const sent = guarded(messages(method.input, requests));
  const json = jsonOf(method.output);
  try {
    const answer = client[method.name]?.(streams ? sent.all : await single(sent.all, method), context);
    const answers = isStream(answer) ? answer : [await answer];
    for await (const message of answers) yield json.toJson(message, { emitDefaults: true });
  } catch (error) {
    throw sent.fault() ?? error;
  }
}

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
    if (!(error instanceof StatusError)) throw error;
    const message = `the request does not fit its contract: ${error.message}`;
    throw misuse("INVALID_ARGUMENT", "REQUEST_MISFIT", message);
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
  const message = `${path} takes exactly one request, not ${all.length}`;
  throw misuse("INVALID_ARGUMENT", "REQUEST_COUNT", message);
}
