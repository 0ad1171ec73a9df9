import { cwd } from "node:process";
import { callContext } from "../call/call-context.ts";
import type { Context } from "../call/context.ts";
import { StatusError } from "../call/status.ts";
import { loadApp } from "../config/app.ts";
import { installedPlugins } from "../config/installed.ts";
import type { LoadOptions } from "../config/load-config.ts";
import type { Method, ServiceType } from "../contract/types.ts";
import type { CoreConfig } from "../core/config.ts";
import { type Ports, systemPorts } from "../core/ports.ts";
import { formatProblems } from "../core/problems.ts";
import { type Clients, clients } from "../spi/runtime.ts";
import { awake } from "./awake.ts";
import { exchange } from "./exchange.ts";
import { jsonValues } from "./json-requests.ts";
import { methodOf, misuse, readTarget } from "./method-of.ts";
import { isPrivate, type Way, wayThrough, wayTo } from "./way.ts";

/** A JSON value: what protobuf's JSON form makes of messages. */
export type JsonRequest = unknown;

/** Requests of a stream. */
export type JsonRequests = Iterable<JsonRequest> | AsyncIterable<JsonRequest>;

/** Calls any method from JSON. Methods are named `service/method`, in TypeScript or on the wire. */
export interface GenericClient extends AsyncDisposable {
  /** Calls a method that gives one answer; `request` is one JSON value, or for a stream an iterable of them. */
  call(method: string, request?: JsonRequest, context?: Context): Promise<unknown>;
  /** Calls a method that gives a stream. */
  stream(method: string, request?: JsonRequest, context?: Context): AsyncIterable<unknown>;
  /**
   * The same from text and to text: one JSON value or, for a stream, several on lines of their own or a list of them. One answer is an
   * object, those of a stream are a list.
   */
  callText(method: string, text: string, context?: Context): Promise<string>;
  /** The contract of a service: declared, or asked of a server that serves it. */
  contract(service: string, context?: Context): Promise<ServiceType>;
  /** Names of the services that can be called. */
  services(context?: Context): Promise<readonly string[]>;
}

export interface GenericOptions {
  /** Contracts that need not be asked for, and those of servers without reflection. */
  readonly contracts?: readonly ServiceType[];
  /** How long a call with one answer may take where no context says so, in milliseconds. Default 10000. */
  readonly timeoutMs?: number;
  readonly ports?: Ports;
}

/** Where calls go: to one address, or wherever the registry of an app says. */
export type GenericTarget =
  | {
      readonly address: string;
      /** Default `grpc`. */
      readonly protocol?: string;
      /** Options of plugins by id, for example certificates under `protocol/grpc`. */
      readonly options?: CoreConfig["options"];
    }
  | ({ readonly app: string } & LoadOptions);

/** Opens a client of its own, to be closed with `await using`. Rejects with a StatusError, or a KernelError if a plugin does not start. */
export async function genericClient(target: GenericTarget, options: GenericOptions = {}): Promise<GenericClient> {
  const { ports = systemPorts } = options;
  return overWay(await wayFor(target, ports), options);
}

/** A generic client over a way that is open; closing it stops the way's kernel. */
export function overWay(way: Way, options: GenericOptions = {}): GenericClient {
  const close = () => way.kernel.stop();
  return make({ clients: () => way.kernel.get(clients), ...way, close }, options);
}

/** A generic client over the clients of a running app: for services that need `clients`. Knows the contracts it is given, and those this process calls. */
export function genericCalls(over: Clients, options: GenericOptions = {}): GenericClient {
  const contract = async (service: string) => {
    const known = over.contract(service);
    if (known) return known;
    throw misuse("NOT_FOUND", "UNKNOWN_SERVICE", `nobody has said which contract ${service} is`);
  };
  const services = async () => [];
  return make({ clients: () => over, contract, services, close: async () => {} }, options);
}

interface Ground extends Pick<Way, "contract" | "services"> {
  clients(): Clients;
  close(): Promise<void>;
}

function make(
  ground: Ground,
  { contracts = [], timeoutMs = 10_000, ports = systemPorts }: GenericOptions,
): GenericClient {
  const known = new Map(contracts.map((one) => [one.name, one]));
  const root = () => callContext({}, ports);
  const { during, each: eachAwake } = awake(ports.timers);

  async function contract(service: string, context: Context = root()): Promise<ServiceType> {
    const found = known.get(service) ?? (await ground.contract(service, context));
    known.set(service, found);
    return found;
  }

  async function* answers(
    target: string,
    requests: JsonRequests,
    given: Context | undefined,
    wanted?: Answering,
  ): AsyncIterable<unknown> {
    const { service, method: name } = readTarget(target);
    const context = given ?? root();
    const found = await contract(service, context);
    const method = methodOf(found, name);
    if (wanted && wanted !== answering(method)) throw wrongAnswering(method);
    const limited = method.kind === "unary" && given === undefined ? context.with({ timeoutMs }) : context;
    yield* exchange(ground.clients(), found, method, each(requests), limited);
  }

  async function call(method: string, request?: JsonRequest, context?: Context): Promise<unknown> {
    for await (const answer of answers(method, requestsOf(request), context, "one")) return answer;
    throw new StatusError("INTERNAL", `${method} gave no answer`);
  }

  async function callText(target: string, text: string, context?: Context): Promise<string> {
    const { service, method } = readTarget(target);
    const many = answering(methodOf(await contract(service, context), method)) === "many";
    const all: unknown[] = [];
    for await (const answer of answers(target, jsonValues(text), context)) all.push(answer);
    return JSON.stringify(many ? all : all[0]);
  }

  async function services(context: Context = root()): Promise<readonly string[]> {
    return [...new Set([...known.keys(), ...(await ground.services(context))])].sort();
  }

  return {
    call: (...given) => during(call(...given)),
    stream: (method, request, context) => eachAwake(answers(method, requestsOf(request), context, "many")),
    callText: (...given) => during(callText(...given)),
    contract: (...given) => during(contract(...given)),
    services: (...given) => during(services(...given)),
    [Symbol.asyncDispose]: () => ground.close(),
  };
}

type Answering = "one" | "many";

function answering({ kind }: Method): Answering {
  return kind === "server-stream" || kind === "bidi-stream" ? "many" : "one";
}

function wrongAnswering(method: Method): StatusError {
  const way = answering(method) === "many" ? "a stream of answers; use stream" : "one answer; use call";
  return misuse("INVALID_ARGUMENT", "REQUEST_COUNT", `${method.path} gives ${way}`);
}

/** Nothing is an empty request; what can be iterated are several. */
function requestsOf(request: JsonRequest = {}): JsonRequests {
  const several =
    typeof request === "object" && request !== null && (Symbol.iterator in request || Symbol.asyncIterator in request);
  return several ? (request as JsonRequests) : [request];
}

async function* each(requests: JsonRequests): AsyncIterable<unknown> {
  yield* requests;
}

async function wayFor(target: GenericTarget, ports: Ports): Promise<Way> {
  if ("address" in target) {
    const { address, protocol = "grpc", options = {} } = target;
    const { catalogue } = await installedPlugins(cwd());
    return wayTo(address, { ports, catalogue, options, protocol });
  }
  const { app: file, ...load } = target;
  const app = await loadApp(file, load);
  if (app.problems.length > 0) throw new StatusError("FAILED_PRECONDITION", formatProblems(app.problems));
  if (isPrivate(app))
    throw new StatusError("FAILED_PRECONDITION", `${file} uses registry/memory, which only its own process can read`);
  return wayThrough(app, ports, "grpc");
}
