import assert from "node:assert/strict";
import type { Reply } from "../../call/call.ts";
import { callContext } from "../../call/call-context.ts";
import type { CallContext, ContextChanges } from "../../call/context.ts";
import { type ErrorCode, StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/index.ts";
import type { Codec, Infer, Method } from "../../contract/types.ts";
import type { Log } from "../../core/plugin.ts";
import type { Law } from "../../testing/conformance.ts";
import { Echo } from "../../testing/echo-contract.ts";
import { type EchoEvents, type EchoOptions, echoEvents, echoHandlers } from "../../testing/echo-service.ts";
import { keptLog } from "../../testing/logs.ts";
import { sampleInstance } from "../../testing/samples.ts";
import { servedService } from "../../testing/serve.ts";
import type { Connection, Exposure, Listener, Protocol } from "../protocol.ts";
import type { Serializer } from "../serializer.ts";

/** How a protocol under test is started. */
export interface ProtocolStart {
  /** Listen where a listener was before. */
  readonly at?: string;
  readonly maxMessageBytes?: number;
  readonly log: Log;
}

/** A protocol under test. */
export interface ProtocolSubject {
  /** What messages are written with. Default: protobuf. */
  readonly serializer?: Serializer;
  /** Starts the plugin as in a process of its own. */
  start(start: ProtocolStart): Promise<Protocol> | Protocol;
  /** Ends what `start` began, listeners and connections apart. */
  end?(): void | Promise<void>;
}

/** The serializer the laws use unless the subject has another. */
export const proto: Serializer = Object.freeze({
  contentType: "application/protobuf",
  subtype: "proto",
  codec: codecOf,
});

export type EchoMethods = typeof Echo.methods;

/** A server and a client of the test service over the protocol. */
export interface World {
  readonly protocol: Protocol;
  readonly listener: Listener;
  readonly connection: Connection;
  readonly events: EchoEvents;
  readonly log: ReturnType<typeof keptLog>;
  readonly serializer: Serializer;
  /** Begins a call. */
  invoke(method: Method, request: unknown, context?: CallContext, serializer?: Serializer): Promise<Reply>;
  /** Makes a unary or client-streaming call, for its response. */
  call<K extends keyof EchoMethods>(
    name: K,
    request: unknown,
    changes?: ContextChanges,
  ): Promise<Infer<EchoMethods[K]["output"]>>;
  /** Makes a streaming call, for its messages. */
  stream<K extends keyof EchoMethods>(
    name: K,
    request: unknown,
    changes?: ContextChanges,
  ): AsyncGenerator<Infer<EchoMethods[K]["output"]>, void>;
}

export interface WorldOptions extends Omit<ProtocolStart, "log">, Omit<EchoOptions, "events" | "now"> {
  /** Offered beside the usual one, and made from it. */
  readonly more?: (usual: Serializer) => Serializer;
}

/** What is offered: the test service, with handlers that tell `events`. */
export function echoExposure(
  log: Log,
  { serializers = [proto], ...options }: EchoOptions & { readonly serializers?: readonly Serializer[] } = {},
): Exposure {
  return {
    services: [servedService(Echo, echoHandlers(options), log)],
    serializers: new Map(serializers.map((serializer) => [serializer.subtype, serializer])),
  };
}

export function connectTo(protocol: Protocol, address: string): Connection {
  return protocol.connect(sampleInstance("echo", { service: Echo.name, address }));
}

/** Runs `check` against a server and a client, and ends both. */
export async function inWorld(
  subject: ProtocolSubject,
  options: WorldOptions,
  check: (world: World) => Promise<void>,
): Promise<void> {
  const events = echoEvents();
  const log = keptLog();
  const { serializer = proto } = subject;
  const serializers = options.more ? [serializer, options.more(serializer)] : [serializer];
  const protocol = await subject.start({ ...options, log });
  const listener = await protocol.listen(echoExposure(log, { ...options, events, serializers }));
  const connection = connectTo(protocol, listener.address);
  const awake = setInterval(() => undefined, 1000); // deadlines alone keep no process alive
  try {
    await check({ protocol, listener, connection, events, log, serializer, ...callers(connection, serializer) });
  } finally {
    clearInterval(awake);
    await connection.close(0);
    await listener.close(0);
    await subject.end?.();
  }
}

/** Ways to call the test service over a connection. */
export function callers(connection: Connection, usual = proto): Pick<World, "invoke" | "call" | "stream"> {
  const invoke: World["invoke"] = (method, request, context = callContext(), serializer = usual) =>
    connection.invoker(method, serializer)({ method, request, context });
  return {
    invoke,
    call: async (name, request, changes = {}) => {
      const { response } = await invoke(Echo.methods[name], request, callContext(changes));
      return response as never;
    },
    stream: async function* (name, request, changes = {}) {
      const { response } = await invoke(Echo.methods[name], request, callContext(changes));
      yield* response as AsyncIterable<never>;
    },
  };
}

/** A law that is checked with a server and a client of the test service. */
export function law(
  law: string,
  check: (world: World) => Promise<void>,
  options: WorldOptions = {},
): Law<ProtocolSubject> {
  return { law, check: (subject) => inWorld(subject, options, check) };
}

/** A codec that writes other bytes, both ways of asking for them. */
export function codecOfBytes<T>(codec: Codec<T>, encode: (value: T) => Uint8Array): Codec<T> {
  return {
    ...codec,
    encode,
    encodeInto(value, sink) {
      const bytes = encode(value);
      sink.reserve(bytes.length);
      sink.buffer.set(bytes, sink.position);
      sink.position += bytes.length;
    },
  };
}

/** The StatusError that `work` fails with; an AssertionError if it does not, or with another code. */
export function failure(work: Promise<unknown>, code: ErrorCode): Promise<StatusError> {
  const checked = failureOf(work, code);
  checked.catch(() => undefined); // a law that ends before it gets to this one has told why
  return checked;
}

async function failureOf(work: Promise<unknown>, code: ErrorCode): Promise<StatusError> {
  const error = await work.then(
    (value) => assert.fail(`${code} was expected, it gave ${String(value)}`),
    (error: unknown) => error,
  );
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(error instanceof StatusError, `a StatusError was expected, not ${error}`);
  assert.equal(error.code, code, `${error.code} "${error.message}" instead of ${code}`);
  return error;
}

/** Everything a stream gives. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
