import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { type MetricsSource, type SpanRecord, systemPorts, type TraceContext } from "@mortise/kernel";
import { sampleSpan, telemetryConformance } from "@mortise/kernel/spi/telemetry.conformance";
import { eventually, keptLog, silentLog } from "@mortise/kernel/testing";
import { trace } from "@opentelemetry/api";
import * as stable from "@opentelemetry/semantic-conventions";
import * as incubating from "@opentelemetry/semantic-conventions/incubating";
import fc from "fast-check";
import { startExport } from "./export.ts";
import { merge } from "./metric-data.ts";
import { type OtelOptions, otel } from "./otel.ts";
import { attributesOf, collector } from "./otlp.fixture.ts";
import { hrTime } from "./readable-span.ts";

const options: OtelOptions = {
  endpoint: "",
  headers: {},
  service: "shop",
  resource: {},
  metrics: true,
  metricsIntervalMs: 60_000,
  delayMs: 50,
  queueSize: 8192,
  timeoutMs: 2000,
};

telemetryConformance({
  name: "otel",
  async make() {
    const { endpoint, close } = await collector();
    return { subject: async () => startExport({ ...options, endpoint }, systemPorts, silentLog), end: close };
  },
});

async function exporting(changes: Partial<OtelOptions> = {}) {
  const received = await collector();
  const log = keptLog();
  const { api, stop } = startExport({ ...options, endpoint: received.endpoint, ...changes }, systemPorts, log);
  return {
    api,
    log,
    ...received,
    async [Symbol.asyncDispose]() {
      await stop?.();
      await received.close();
    },
  };
}

const below = (parent: TraceContext, changes: Partial<SpanRecord> = {}) => {
  const span = sampleSpan(changes);
  return { ...span, trace: { ...parent, spanId: span.trace.spanId }, parentSpanId: parent.spanId };
};

describe("telemetry/otel", () => {
  it("sends spans with ids, times, parents, attributes, status and the service they belong to", async () => {
    await using running = await exporting({ resource: { "deployment.environment.name": "test" } });
    const { api, spans } = running;
    const client = sampleSpan({
      kind: "client",
      service: "shop.order.v1.Orders",
      startMs: 1_790_000_000_123.25,
      durationMs: 10.5,
      attributes: { "rpc.method": "a.v1.A/Get", "server.port": 80, "server.address": "10.0.0.7", half: 0.5, yes: true },
    });
    const server = below(client.trace, {
      service: "shop.inventory.v1.Inventory",
      code: "INTERNAL",
      message: "internal error 7",
    });
    api.spans?.([server, client]);
    await eventually(() => spans.length === 2);
    const [two, one] = spans;
    assert.deepEqual(
      { ...one, resource: undefined },
      {
        traceId: client.trace.traceId,
        spanId: client.trace.spanId,
        parentSpanId: "",
        state: "",
        name: "a.v1.A/Get",
        kind: 3,
        startNanos: 1_790_000_000_123_250_000n,
        endNanos: 1_790_000_000_133_750_000n,
        attributes: { ...client.attributes, "rpc.status_code": "OK" },
        status: 0,
        message: "",
        resource: undefined,
      },
    );
    assert.deepEqual([two?.parentSpanId, two?.traceId, two?.kind], [client.trace.spanId, client.trace.traceId, 2]);
    assert.deepEqual([two?.status, two?.message], [2, "internal error 7"]);
    assert.deepEqual(two?.attributes, {
      "rpc.method": "a.v1.A/Get",
      "rpc.status_code": "INTERNAL",
      "error.type": "INTERNAL",
    });
    const {
      "service.name": name,
      "deployment.environment.name": environment,
      "telemetry.sdk.language": sdk,
    } = two?.resource ?? {};
    assert.deepEqual([name, environment, sdk], ["shop.inventory.v1.Inventory", "test", "nodejs"]);
    assert.equal(one?.resource["service.name"], "shop.order.v1.Orders");
  });

  it("calls a refusal an error of the client and not of the server", async () => {
    await using running = await exporting();
    const { api, spans } = running;
    const kinds = ["client", "server", "consumer"] as const;
    api.spans?.(kinds.map((kind) => sampleSpan({ kind, code: "NOT_FOUND", message: "no such order" })));
    await eventually(() => spans.length === 3);
    assert.deepEqual(
      spans.map(({ status, attributes }) => [status, attributes["error.type"]]),
      [
        [2, "NOT_FOUND"],
        [0, "NOT_FOUND"],
        [2, "NOT_FOUND"],
      ],
    );
  });

  it("hands on the state of a trace", async () => {
    await using running = await exporting();
    const { api, spans } = running;
    const { trace } = sampleSpan();
    api.spans?.([sampleSpan({ trace: { ...trace, state: "rojo=00f067aa0ba902b7" } })]);
    await eventually(() => spans.length === 1);
    assert.equal(spans[0]?.state, "rojo=00f067aa0ba902b7");
  });

  it("sends headers with every request, and everything that is left when it stops", async () => {
    const received = await collector();
    const { endpoint, close, spans, headers } = received;
    const changes = { endpoint: `${endpoint}/`, headers: { authorization: "Bearer x" }, delayMs: 60_000 };
    const { api, stop } = startExport({ ...options, ...changes }, systemPorts, silentLog);
    api.spans?.(Array.from({ length: 700 }, () => sampleSpan()));
    await stop?.();
    assert.equal(spans.length, 700);
    assert.ok(headers.every(({ authorization }) => authorization === "Bearer x"));
    await close();
  });

  it("sends metrics by the conventions, in seconds", async () => {
    await using running = await exporting();
    const { api, metrics } = running;
    const buckets = [0, 2, 1, 0, 1];
    const source: MetricsSource = {
      boundsMs: [1, 2, 4, 8],
      read: () => [
        {
          method: "a.v1.A/Get",
          kind: "unary",
          place: "provider",
          inFlight: 3,
          outcomes: [
            { code: "OK", count: 4, totalMs: 20, buckets },
            { code: "INTERNAL", count: 1, totalMs: 5, buckets: [0, 0, 0, 1, 0] },
          ],
        },
        {
          method: "a.v1/Happened",
          kind: "event",
          place: "call",
          inFlight: 0,
          outcomes: [{ code: "OK", count: 1, totalMs: 1, buckets: [1, 0, 0, 0, 0] }],
        },
      ],
    };
    const end = api.metrics?.(source);
    await api.flush?.();
    await eventually(() => metrics.length === 3);
    const byName = new Map(metrics.map((metric) => [metric.name, metric]));
    const duration = byName.get("rpc.server.call.duration");
    assert.equal(duration?.unit, "s");
    assert.equal(duration.resource["service.name"], "shop");
    assert.ok(duration.data?.$case === "histogram");
    assert.equal(duration.data.value.temporality, 2, "cumulative");
    const [ok, failed] = duration.data.value.dataPoints;
    assert.ok(ok && failed);
    assert.deepEqual(
      {
        count: ok.count,
        sum: ok.sum,
        counts: ok.bucketCounts,
        bounds: ok.explicitBounds,
        attributes: attributesOf(ok.attributes),
      },
      {
        count: 4n,
        sum: 0.02,
        counts: [2n, 1n, 1n],
        bounds: [0.002, 0.008],
        attributes: { "rpc.method": "a.v1.A/Get", "rpc.status_code": "OK" },
      },
    );
    assert.ok(ok.timeUnixNano >= ok.startTimeUnixNano);
    assert.equal(attributesOf(failed.attributes)["error.type"], "INTERNAL");
    const sent = byName.get("messaging.client.operation.duration")?.data;
    assert.ok(sent?.$case === "histogram");
    assert.deepEqual(attributesOf(sent.value.dataPoints[0]?.attributes ?? []), {
      "messaging.destination.name": "a.v1.Happened",
      "messaging.operation.name": "send",
    });
    const inFlight = byName.get("mortise.calls.in_flight")?.data;
    assert.ok(inFlight?.$case === "sum" && !inFlight.value.monotonic);
    assert.deepEqual(
      inFlight.value.dataPoints.map(({ value }) => value?.value),
      [3n, 0n],
    );
    end?.();
    await api.flush?.();
    await eventually(() => metrics.length === 6);
    const next = api.metrics?.({ boundsMs: [1], read: () => [] });
    await api.flush?.();
    assert.equal(metrics.length, 6, "what a source said last is forgotten when another one comes");
    next?.();
  });

  it("sends numbers of transactions, counters as sums and what is so now as gauges", async () => {
    await using running = await exporting();
    const { api, metrics } = running;
    const about = { name: "pay", strategy: "tcc" };
    api.transactions?.({
      read: () => ({
        driven: [{ ...about, begun: 3, committed: 1, aborted: { SOLD_OUT: 2 }, rounds: 4, inFlight: 0 }],
        open: [{ ...about, status: "committing", count: 5, stuck: 1, oldestMs: 1500 }],
        prepared: [{ participant: "a.v1.A", count: 2, oldestMs: 250 }],
        batches: [{ participant: "a.v1.A", operation: "take", batches: 9, failed: 2 }],
      }),
    });
    await api.flush?.();
    await eventually(() => metrics.length === 11);
    const pointsOf = (name: string) => {
      const data = metrics.find((metric) => metric.name === name)?.data;
      assert.ok(data?.$case === "gauge" || (data?.$case === "sum" && data.value.monotonic));
      return data.value.dataPoints.map(({ value, attributes }) => [value?.value, attributesOf(attributes)]);
    };
    const same = { "mortise.transaction.name": "pay", "mortise.transaction.strategy": "tcc" };
    assert.deepEqual(pointsOf("mortise.transactions.begun"), [[3n, same]]);
    assert.deepEqual(pointsOf("mortise.transactions.ended"), [
      [1n, { ...same, "mortise.transaction.outcome": "committed" }],
      [2n, { ...same, "mortise.transaction.outcome": "aborted", "error.type": "SOLD_OUT" }],
    ]);
    assert.deepEqual(pointsOf("mortise.transactions.age"), [
      [1.5, { ...same, "mortise.transaction.status": "committing" }],
    ]);
    assert.deepEqual(pointsOf("mortise.transactions.prepared.age"), [
      [0.25, { "mortise.transaction.participant": "a.v1.A" }],
    ]);
    assert.deepEqual(pointsOf("mortise.transactions.batches.failed"), [
      [2n, { "mortise.transaction.participant": "a.v1.A", "mortise.transaction.operation": "take" }],
    ]);
  });

  it("takes spans of user code between ours, both ways, as spans of the service that runs", async () => {
    await using running = await exporting();
    const { api, spans } = running;
    const server = sampleSpan({ service: "shop.order.v1.Orders" });
    let inside: TraceContext | undefined;
    await api.bridge?.run(server.trace, server.service, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await trace.getTracer("user").startActiveSpan("price the cart", async (span) => {
        await new Promise((resolve) => setImmediate(resolve));
        inside = api.bridge?.active();
        span.end();
      });
      assert.equal(api.bridge?.active(), undefined);
    });
    assert.ok(inside);
    const nested = below(inside, { name: "nested", kind: "client", service: server.service });
    api.spans?.([nested, server]);
    await eventually(() => spans.length === 3);
    const user = spans.find(({ name }) => name === "price the cart");
    assert.deepEqual([user?.traceId, user?.parentSpanId], [server.trace.traceId, server.trace.spanId]);
    assert.equal(user?.resource["service.name"], "shop.order.v1.Orders");
    const call = spans.find(({ name }) => name === "nested");
    assert.deepEqual([call?.traceId, call?.parentSpanId], [server.trace.traceId, user?.spanId]);
  });

  it("follows our decision not to record with the spans of user code", async () => {
    await using running = await exporting();
    const { api, spans } = running;
    const { trace: position, service } = sampleSpan();
    api.bridge?.run({ ...position, sampled: false }, service, () =>
      trace.getTracer("user").startActiveSpan("unseen", (span) => {
        assert.equal(api.bridge?.active()?.sampled, false);
        span.end();
      }),
    );
    trace.getTracer("user").startSpan("alone").end();
    await eventually(() => spans.length === 1);
    assert.deepEqual([spans[0]?.name, spans[0]?.resource["service.name"]], ["alone", "shop"]);
  });

  it("can be stopped and started again with another target", async () => {
    for (let round = 0; round < 2; round++) {
      const { endpoint, close, spans } = await collector();
      const { api, stop } = startExport({ ...options, endpoint }, systemPorts, silentLog);
      api.bridge?.run(sampleSpan().trace, "s", () => trace.getTracer("user").startSpan("user").end());
      await stop?.();
      assert.deepEqual(
        spans.map(({ name }) => name),
        ["user"],
      );
      await close();
    }
    trace.getTracer("user").startActiveSpan("nobody listens", (span) => assert.ok(!span.isRecording()));
  });

  it("says once that nobody takes the spans, and does not hold up the stop for it", async () => {
    const { endpoint, close } = await collector();
    await close();
    const log = keptLog();
    const { api, stop } = startExport({ ...options, endpoint, timeoutMs: 300 }, systemPorts, log);
    for (let i = 0; i < 3; i++) {
      api.spans?.([sampleSpan()]);
      await eventually(() => log.lines.length > 0);
    }
    api.spans?.([sampleSpan()]);
    const began = performance.now();
    await stop?.();
    assert.ok(performance.now() - began < 10_000);
    const said = log.lines.map(({ message }) => message);
    assert.equal(new Set(said).size, said.length);
    assert.ok(
      said.some((message) => /^telemetry\/otel: .*ECONNREFUSED/.test(message)),
      said.join(),
    );
  });

  it("loads nothing of OpenTelemetry where it is off", async () => {
    const run = async (...args: string[]) => {
      const script = join(import.meta.dirname, "off.fixture.ts");
      const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", script, ...args]);
      return JSON.parse(stdout) as { readonly loaded: number; readonly api: readonly string[] };
    };
    assert.deepEqual(await run(), { loaded: 0, api: [] });
    assert.ok((await run("http://127.0.0.1:1")).loaded > 3);
  });

  it("is exclusive where it is on", () => {
    assert.deepEqual([otel.exclusive({ endpoint: "" }), otel.exclusive({ endpoint: "http://x:1" })], [false, true]);
  });

  for (const endpoint of ["localhost:4318", "grpc://collector:4317", "collector"]) {
    it(`does not take ${endpoint} for an endpoint`, async () => {
      assert.ok((await otel.options?.["~standard"].validate({ endpoint }))?.issues);
    });
  }
});

it("names are those of the semantic conventions, the stable ones where there are any", () => {
  const { ATTR_RPC_METHOD, ATTR_RPC_SYSTEM_NAME, ATTR_RPC_STATUS_CODE, ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT } = stable;
  assert.deepEqual(
    [ATTR_RPC_METHOD, ATTR_RPC_SYSTEM_NAME, ATTR_RPC_STATUS_CODE, ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT],
    ["rpc.method", "rpc.system.name", "rpc.status_code", "server.address", "server.port"],
  );
  const { ATTR_ERROR_TYPE, METRIC_RPC_CLIENT_CALL_DURATION, METRIC_RPC_SERVER_CALL_DURATION } = stable;
  assert.deepEqual(
    [ATTR_ERROR_TYPE, METRIC_RPC_CLIENT_CALL_DURATION, METRIC_RPC_SERVER_CALL_DURATION],
    ["error.type", "rpc.client.call.duration", "rpc.server.call.duration"],
  );
  const { ATTR_MESSAGING_DESTINATION_NAME, ATTR_MESSAGING_OPERATION_NAME, ATTR_MESSAGING_OPERATION_TYPE } = incubating;
  assert.deepEqual(
    [ATTR_MESSAGING_DESTINATION_NAME, ATTR_MESSAGING_OPERATION_NAME, ATTR_MESSAGING_OPERATION_TYPE],
    ["messaging.destination.name", "messaging.operation.name", "messaging.operation.type"],
  );
  const { METRIC_MESSAGING_CLIENT_OPERATION_DURATION, METRIC_MESSAGING_PROCESS_DURATION } = incubating;
  assert.deepEqual(
    [METRIC_MESSAGING_CLIENT_OPERATION_DURATION, METRIC_MESSAGING_PROCESS_DURATION],
    ["messaging.client.operation.duration", "messaging.process.duration"],
  );
});

it("times keep their fractions to the nanosecond", () => {
  assert.deepEqual(hrTime(1_790_000_000_123.25), [1_790_000_000, 123_250_000]);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 4e12, noNaN: true }), (ms) => {
      const [seconds, nanos] = hrTime(ms);
      assert.ok(Number.isInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9);
      assert.ok(Math.abs(seconds * 1000 + nanos / 1e6 - ms) < 1e-3);
    }),
  );
});

it("merged buckets hold as many calls, below every bound that is left", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }), (buckets) => {
      const bounds = buckets.slice(1).map((_, i) => i + 1);
      const merged = merge(bounds, buckets);
      assert.equal(merged.counts.length, merged.bounds.length + 1);
      for (const [i, bound] of merged.bounds.entries()) {
        const upTo = (counts: readonly number[], end: number) =>
          counts.slice(0, end).reduce((sum, count) => sum + count, 0);
        assert.equal(upTo(merged.counts, i + 1), upTo(buckets, bounds.indexOf(bound) + 1));
      }
    }),
  );
});
