import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { callContext, type ServiceType, systemPorts } from "@mortise/kernel";
import { codecOf, type MessageType } from "@mortise/kernel/contract";
import { all, callers, connectTo, failure, inWorld, type World } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote, fullNote, sameMessage } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, type EchoNote, eventually, pattern, silentLog } from "@mortise/kernel/testing";
import {
  type CallContext,
  type CallOptions,
  ClientError,
  createChannel,
  createClient,
  createServer,
  Metadata,
  type MethodDefinition,
  ServerError,
  type ServiceDefinition,
  Status,
} from "nice-grpc";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";
import { ErrorInfo } from "./rpc-status.ts";

// Peers that know nothing of Mortise: nice-grpc as it is, and buf's client, which is written in Go.

const counted = (number: number) => ({ number, padding: new Uint8Array() });
const note = (text: string): EchoNote => ({ ...emptyNote, text });

async function* each<T>(...items: readonly T[]) {
  yield* items;
}

type Shape = Pick<ServiceType["methods"][string], "path" | "kind" | "input" | "output">;

function methodOf({ path, kind, input, output }: Shape): MethodDefinition<unknown, unknown, unknown, unknown> {
  const serialize = (type: MessageType) => (value: unknown) => Buffer.from(codecOf(type).encode(value));
  const deserialize = (type: MessageType) => (bytes: Uint8Array) => codecOf(type).decode(bytes);
  return {
    path: `/${path}`,
    requestStream: kind === "client-stream" || kind === "bidi-stream",
    responseStream: kind === "server-stream" || kind === "bidi-stream",
    requestSerialize: serialize(input),
    requestDeserialize: deserialize(input),
    responseSerialize: serialize(output),
    responseDeserialize: deserialize(output),
    options: {},
  };
}

const definition: ServiceDefinition = Object.fromEntries(
  Object.entries(Echo.methods).map(([name, method]) => [name, methodOf(method)]),
);

/** nice-grpc's client of the test service, its types given up: it can tell them only from generated definitions. */
type NiceClient = Record<
  keyof typeof Echo.methods,
  // biome-ignore lint/suspicious/noExplicitAny: see above
  (request: unknown, options?: CallOptions) => Promise<any> & AsyncIterable<any>
>;

async function withNiceClient(
  given: object,
  check: (client: NiceClient, world: World) => Promise<void>,
): Promise<void> {
  const start = () => grpcProtocol({ options: options.parse(given), ports: systemPorts, log: silentLog });
  await inWorld({ start }, {}, async (world) => {
    const channel = createChannel(world.listener.address, undefined, { "grpc.max_send_message_length": -1 });
    try {
      await check(createClient(definition, channel) as unknown as NiceClient, world);
    } finally {
      channel.close();
    }
  });
}

async function niceFailure(work: Promise<unknown>, code: keyof typeof Status): Promise<ClientError> {
  const error = await work.then(
    () => assert.fail(`${code} was expected`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ClientError, String(error));
  assert.equal(Status[error.code], code, error.message);
  return error;
}

describe("a server of protocol/grpc, called by nice-grpc,", () => {
  it("answers all kinds of calls", () =>
    withNiceClient({}, async (client) => {
      sameMessage(await client.echo(fullNote), fullNote);
      assert.equal((await all(client.count({ count: 300, failAfter: 0, padding: 9 }))).length, 300);
      assert.deepEqual(await client.sum(each(counted(1), counted(2))), { total: 3n, count: 2 });
      const answers = await all(client.chat(each(note("a"), note("b"))));
      assert.deepEqual(
        answers.map(({ text }) => text),
        ["a", "b"],
      );
    }));

  it("gives errors their code and message, also after messages of a stream", () =>
    withNiceClient({}, async (client) => {
      const request = { code: Status.NOT_FOUND, message: "kein Bär", reason: "R", details: new Map(), bug: false };
      assert.equal((await niceFailure(client.fail(request), "NOT_FOUND")).details, "kein Bär");
      await niceFailure(all(client.count({ count: 5, failAfter: 2, padding: 0 })), "FAILED_PRECONDITION");
      assert.equal(
        (await niceFailure(client.fail({ ...request, bug: true }), "INTERNAL")).details.includes("Bär"),
        false,
      );
    }));

  it("carries metadata both ways", () =>
    withNiceClient({}, async (client) => {
      let headers = Metadata();
      let trailers = Metadata();
      await client.echo(emptyNote, {
        metadata: Metadata({ "x-a": "1", "x-b-bin": Uint8Array.of(1, 2) }),
        onHeader: (header) => {
          headers = header;
        },
        onTrailer: (trailer) => {
          trailers = trailer;
        },
      });
      assert.equal(headers.get("x-a"), "1");
      assert.deepEqual([...(headers.get("x-b-bin") ?? [])], [1, 2]);
      assert.equal(trailers.get("trailing-x-a"), "1");
    }));

  it("hears of cancellation", () =>
    withNiceClient({}, async (client, { events }) => {
      const caller = new AbortController();
      const answer = client.sleep({ ms: 60_000 }, { signal: caller.signal }).catch((error) => error.name);
      await eventually(() => events.begun === 1);
      caller.abort();
      assert.equal(await answer, "AbortError");
      assert.equal((await eventually(() => events.cancelled[0])).code, "CANCELLED");
    }));

  it("refuses what is too long, and bytes that are no message", () =>
    withNiceClient({ maxMessageBytes: 10_000 }, async (client, { events, listener }) => {
      const tooLong = await niceFailure(client.upload({ data: pattern(20_000) }), "RESOURCE_EXHAUSTED");
      assert.match(tooLong.details, /10000/);
      const channel = createChannel(listener.address);
      const broken = { ...methodOf(Echo.methods.echo), requestSerialize: () => Buffer.of(0xff, 0xff) };
      const { echo } = createClient({ echo: broken }, channel) as unknown as Pick<NiceClient, "echo">;
      await niceFailure(echo(emptyNote), "INVALID_ARGUMENT");
      channel.close();
      assert.equal(events.begun, 0);
    }));

  it("refuses a second request where one is due", () =>
    withNiceClient({}, async (_client, { listener }) => {
      const channel = createChannel(listener.address);
      const streaming = { ...methodOf(Echo.methods.echo), requestStream: true };
      const client = createClient(
        { echo: streaming, bytes: { ...streaming, path: "/mortise.testing.v1.Echo/Count" } },
        channel,
      );
      const { echo, bytes } = client as unknown as Pick<NiceClient, "echo" | "bytes">;
      for (const call of [echo, bytes]) {
        await niceFailure(call(each(emptyNote, emptyNote)), "INVALID_ARGUMENT");
        await niceFailure(call(each()), "INVALID_ARGUMENT");
      }
      channel.close();
    }));
});

interface NiceHandlers {
  [method: string]: (request: never, context: CallContext) => unknown;
}

async function withNiceServer(handlers: NiceHandlers, check: (world: ReturnType<typeof callers>) => Promise<void>) {
  const server = createServer();
  const served = Object.fromEntries(Object.keys(handlers).map((name) => [name, definition[name]]));
  server.add(served as ServiceDefinition, handlers as never);
  const port = await server.listen("127.0.0.1:0");
  const protocol = grpcProtocol({ options: options.parse({}), ports: systemPorts, log: silentLog });
  const connection = connectTo(protocol, `127.0.0.1:${port}`);
  try {
    await check(callers(connection));
  } finally {
    await connection.close(0);
    server.forceShutdown();
  }
}

describe("a client of protocol/grpc, calling nice-grpc,", () => {
  it("makes all kinds of calls", () => {
    const handlers: NiceHandlers = {
      echo: async (given: EchoNote) => given,
      async *count({ count }: { count: number }) {
        for (let number = 1; number <= count; number++) yield counted(number);
      },
      sum: async (numbers: AsyncIterable<{ number: number }>) => {
        let count = 0;
        for await (const _ of numbers) count++;
        return { total: 0n, count };
      },
      async *chat(notes: AsyncIterable<EchoNote>) {
        for await (const given of notes) yield given;
      },
    };
    return withNiceServer(handlers, async ({ call, stream }) => {
      sameMessage(await call("echo", fullNote), fullNote);
      assert.equal((await all(stream("count", { count: 300, failAfter: 0, padding: 0 }))).length, 300);
      assert.deepEqual(await call("sum", each(counted(1), counted(2))), { total: 0n, count: 2 });
      assert.equal((await all(stream("chat", each(note("a"), note("b"))))).length, 2);
    });
  });

  it("sends its deadline, hears errors, headers and trailers", () => {
    const handlers: NiceHandlers = {
      echo: async (given: EchoNote, context) => {
        context.header.set("x-a", "1");
        context.trailer.set("x-t", "2");
        return given;
      },
      fail: async () => {
        throw new ServerError(Status.ABORTED, "kein Bär");
      },
      sleep: (_request: never, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    };
    return withNiceServer(handlers, async ({ call, invoke }) => {
      const reply = await invoke(Echo.methods.echo, emptyNote, callContext());
      assert.equal(reply.headers.get("x-a"), "1");
      assert.equal(reply.trailers().get("x-t"), "2");
      const request = { code: 0, message: "", reason: "", details: new Map(), bug: false };
      assert.equal((await failure(call("fail", request), "ABORTED")).message, "kein Bär");
      await failure(call("sleep", { ms: 0 }, { timeoutMs: 50 }), "DEADLINE_EXCEEDED");
      assert.equal((await failure(call("whoami", {}), "UNIMPLEMENTED")).neverSent, false);
    });
  });
});

const run = promisify(execFile);
const buf = join(import.meta.dirname, "../../../node_modules/.bin/buf");

/** buf's client finds out by reflection what it calls. */
async function bufCurl(address: string, path: string, request: object, ...flags: readonly string[]): Promise<string> {
  const data = JSON.stringify(request);
  const args = [
    "curl",
    "--protocol",
    "grpc",
    "--http2-prior-knowledge",
    ...flags,
    "-d",
    data,
    `http://${address}/${path}`,
  ];
  const { stdout } = await run(buf, args, { env: { ...process.env, BUF_CACHE_DIR: "/tmp/mortise-buf-cache" } });
  return stdout;
}

describe("a server of protocol/grpc, called by buf,", () => {
  it("tells by reflection what it offers, and answers", () =>
    withNiceClient({}, async (_client, { listener: { address } }) => {
      const service = "mortise.testing.v1.Echo";
      const echoed = JSON.parse(
        await bufCurl(address, `${service}/Echo`, { text: "Grüße", number: "9007199254740993" }),
      );
      assert.deepEqual(echoed, { text: "Grüße", number: "9007199254740993" });
      const numbers = await bufCurl(address, `${service}/Count`, { count: 3 });
      assert.deepEqual(numbers.match(/\d+/g), ["1", "2", "3"]);
      const health = await bufCurl(address, "grpc.health.v1.Health/Check", { service });
      assert.deepEqual(JSON.parse(health), { status: "SERVING" });
    }));

  it("says what failed in words", () =>
    withNiceClient({}, async (_client, { listener: { address } }) => {
      const request = { code: 9, message: "not now", reason: "CLOSED", details: { until: "Monday" } };
      const failing = bufCurl(address, "mortise.testing.v1.Echo/Fail", request);
      const { stderr } = await failing.then(
        () => assert.fail("it did not fail"),
        (error: { stderr: string }) => error,
      );
      const { code, message, details } = JSON.parse(stderr);
      assert.deepEqual([code, message], ["failed_precondition", "not now"]);
      assert.equal(details[0].type, "google.rpc.ErrorInfo");
      const { reason, domain, metadata } = codecOf(ErrorInfo).decode(Buffer.from(details[0].value, "base64"));
      assert.deepEqual([reason, domain, [...metadata]], ["CLOSED", "mortise.testing.v1.Echo", [["until", "Monday"]]]);
    }));
});
