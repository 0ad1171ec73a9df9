import assert from "node:assert/strict";
import { it } from "node:test";
import {
  type Context,
  callContext,
  client,
  defineService,
  type EventHandler,
  type Handlers,
  publisher,
  telemetry,
} from "@mortise/kernel";
import {
  type AppOptions,
  bareService,
  Echo,
  echoService,
  eventually,
  Sample,
  SampleTopic,
  testApp,
} from "@mortise/kernel/testing";
import { failover } from "@mortise/plugins/cluster/failover/failover";
import { metrics } from "@mortise/plugins/filter/metrics/metrics";
import { tracing } from "@mortise/plugins/filter/tracing/tracing";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { ring } from "@mortise/plugins/tracer/ring/ring";
import { memory } from "@mortise/telemetry/memory/memory";
import { userTracer } from "@mortise/telemetry/otel/foreign-spans.fixture";
import { otel } from "@mortise/telemetry/otel/otel";
import { attributesOf, collector, type ReceivedSpan } from "@mortise/telemetry/otel/otlp.fixture";

/** Opens spans of its own around calls to another service and an event. */
const front = defineService(Sample, {
  name: "front",
  description: "Calls another service and publishes an event",
  needs: { echo: client(Echo), happened: publisher(SampleTopic) },
  setup: ({ deps }) => ({
    handlers: {
      read: (request: { readonly key: string; readonly number: number }, call: Context) =>
        userTracer().startActiveSpan("look around", async (span) => {
          const { traceId } = await deps.echo.whoami({}, call);
          await deps.happened(request, call);
          span.end();
          return { text: traceId };
        }),
      async *watch(_: unknown, call: Context) {
        userTracer().startSpan("in a stream").end();
        for await (const { number } of deps.echo.count({ count: 3, failAfter: 0, padding: 0 }, call)) {
          yield { text: `${number}` };
        }
      },
      write: async () => ({ text: "" }),
      load: async () => ({ text: "" }),
      chat: async function* () {},
    } as Handlers<typeof Sample>,
  }),
});

const handler: EventHandler<never> = async () => userTracer().startSpan("react").end();
const listener = bareService("listener", { listens: [{ topic: SampleTopic, handler }] });

const plugins = [front, listener, echoService(), grpc, failover, tracing, metrics, ring, memory, otel];

const sendingTo = (endpoint: string): AppOptions => ({
  plugins,
  use: { protocol: "grpc", filter: ["default"], cluster: "failover", tracer: "ring", telemetry: ["memory", "otel"] },
  options: {
    "telemetry/otel": { endpoint, delayMs: 50, metricsIntervalMs: 200, service: "shop" },
    "tracer/ring": { drainMs: 20 },
  },
});

async function tracedApp() {
  const received = await collector();
  const app = await testApp(sendingTo(received.endpoint));
  return {
    app,
    ...received,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await received.close();
    },
  };
}

/** The spans of a trace as a tree of `service: name`; those side by side in the order of these lines. */
function treeOf(spans: readonly ReceivedSpan[], parent = ""): readonly unknown[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .map((span) => ({ id: span.spanId, line: `${String(span.resource["service.name"])}: ${span.name}` }))
    .sort((a, b) => (a.line < b.line ? -1 : 1))
    .map(({ id, line }) => {
      const below = treeOf(spans, id);
      return below.length > 0 ? [line, ...below] : line;
    });
}

it("a request through services, user code and the bus is one trace, sent and kept", async () => {
  await using running = await tracedApp();
  const { app, spans } = running;
  const { text: traceId } = await app.clients.client(Sample).read({ key: "k", number: 1 });
  const mine = () => spans.filter((span) => span.traceId === traceId);
  await eventually(() => mine().length === 8);
  assert.deepEqual(treeOf(mine()), [
    [
      "test: mortise.sample.v1.Sample/Read",
      [
        "front: mortise.sample.v1.Sample/Read",
        [
          "front: look around",
          ["front: mortise.testing.v1.Echo/Whoami", "echo: mortise.testing.v1.Echo/Whoami"],
          [
            "front: send mortise.sample.v1.Happened",
            ["listener: process mortise.sample.v1.Happened", "listener: react"],
          ],
        ],
      ],
    ],
  ]);
  const { "server.port": port, ...attributes } =
    mine().find(({ parentSpanId }) => parentSpanId === "")?.attributes ?? {};
  assert.deepEqual(attributes, {
    "rpc.method": "mortise.sample.v1.Sample/Read",
    "rpc.system.name": "grpc",
    "rpc.status_code": "OK",
    "server.address": "127.0.0.1",
  });
  assert.ok(Number(port) > 0);
  assert.equal(app.kernel.get(telemetry).trace?.(traceId)?.spans.length, 6, "without those of user code");
});

it("a stream is one trace, with the spans its handler makes while it is read", async () => {
  await using running = await tracedApp();
  const { app, spans } = running;
  const texts: string[] = [];
  for await (const { text } of app.clients.client(Sample).watch({ key: "", number: 0 })) texts.push(text);
  assert.deepEqual(texts, ["1", "2", "3"]);
  await eventually(() => spans.length === 5);
  assert.deepEqual(treeOf(spans), [
    [
      "test: mortise.sample.v1.Sample/Watch",
      [
        "front: mortise.sample.v1.Sample/Watch",
        "front: in a stream",
        ["front: mortise.testing.v1.Echo/Count", "echo: mortise.testing.v1.Echo/Count"],
      ],
    ],
  ]);
});

it("a call that is not sampled leaves no span anywhere", async () => {
  await using running = await tracedApp();
  const { app, spans } = running;
  const position = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: false, state: "" };
  const { text } = await app.clients.client(Sample).read({ key: "", number: 0 }, callContext({ trace: position }));
  assert.equal(text, position.traceId);
  await app.clients.client(Echo).whoami({});
  await eventually(() => spans.length === 2);
  assert.ok(spans.every(({ traceId }) => traceId !== position.traceId));
});

it("calls are counted at both ends and the counts sent when the app stops", async () => {
  await using running = await tracedApp();
  const { app, metrics: sent } = running;
  const echo = app.clients.client(Echo);
  for (let i = 0; i < 5; i++) await echo.whoami({});
  await assert.rejects(echo.fail({ code: 5, message: "no", reason: "", details: new Map(), bug: false }));
  await app[Symbol.asyncDispose]();
  const counted = sent.flatMap(({ name, data }) =>
    data?.$case === "histogram"
      ? data.value.dataPoints.map(({ count, attributes }) => {
          const { "rpc.method": method, "rpc.status_code": code } = attributesOf(attributes);
          return [name, method, code, count].join(" ");
        })
      : [],
  );
  assert.deepEqual(counted.sort(), [
    "rpc.client.call.duration mortise.testing.v1.Echo/Fail NOT_FOUND 1",
    "rpc.client.call.duration mortise.testing.v1.Echo/Whoami OK 5",
    "rpc.server.call.duration mortise.testing.v1.Echo/Fail NOT_FOUND 1",
    "rpc.server.call.duration mortise.testing.v1.Echo/Whoami OK 5",
  ]);
});

it("spans and counts go elsewhere, or nowhere, when the configuration says so", async () => {
  await using running = await tracedApp();
  const { app, spans } = running;
  const echo = app.clients.client(Echo);
  await echo.whoami({});
  await eventually(() => spans.length === 2);
  const other = await collector();
  await app.become(sendingTo(other.endpoint));
  await echo.whoami({});
  await eventually(() => other.spans.length === 2 && other.metrics.length > 0);
  await app.become(sendingTo(""));
  const { traceId } = await echo.whoami({});
  await eventually(() => app.kernel.get(telemetry).trace?.(traceId)?.spans.length === 2);
  assert.deepEqual([spans.length, other.spans.length], [2, 2]);
  await other.close();
});
