import assert from "node:assert/strict";
import type { Running } from "../core/plugin.ts";
import { conformance } from "../testing/conformance.ts";
import type { MetricsSource } from "./metrics.ts";
import type { Telemetry } from "./telemetry.ts";
import type { SpanRecord } from "./tracer.ts";

/** Starts the plugin as it is when it is in use. */
export type TelemetrySubject = () => Promise<Running<Telemetry>>;

let drawn = 0;
const id = (digits: number) => (++drawn).toString(16).padStart(digits, "0");

/** A finished span of a trace of its own, with some changes. */
export function sampleSpan(changes: Partial<SpanRecord> = {}): SpanRecord {
  return {
    trace: { traceId: id(32), spanId: id(16), sampled: true, state: "" },
    parentSpanId: "",
    name: "a.v1.A/Get",
    kind: "server",
    startMs: 1_790_000_000_000.5,
    durationMs: 1.25,
    code: "OK",
    message: "",
    attributes: { "rpc.method": "a.v1.A/Get" },
    service: "a.v1.A",
    ...changes,
  };
}

const odd: readonly SpanRecord[] = [
  sampleSpan({ code: "INTERNAL", message: "a \u0000 message \u{1f600} \ud800", kind: "internal" }),
  sampleSpan({ attributes: { "": "", yes: true, often: 3, half: Number.NaN, most: Number.POSITIVE_INFINITY } }),
  sampleSpan({ parentSpanId: "feedfeedfeedfeed", kind: "consumer", durationMs: 0, startMs: 0 }),
  sampleSpan({ name: "", service: "", kind: "producer", durationMs: 86_400_000 }),
  sampleSpan({ trace: { traceId: id(32), spanId: id(16), sampled: true, state: "a=1,b=2" }, kind: "client" }),
];

const source: MetricsSource = {
  boundsMs: [1, 10],
  read: () => [
    {
      method: "a.v1.A/Get",
      kind: "unary",
      place: "provider",
      inFlight: 1,
      outcomes: [{ code: "OK", count: 3, totalMs: 15, buckets: [1, 1, 1] }],
    },
  ],
};

const law = (law: string, check: (telemetry: Telemetry) => void | Promise<void>) => ({
  law,
  async check(start: TelemetrySubject) {
    const { api, stop } = await start();
    try {
      await check(api);
    } finally {
      await stop?.();
    }
  },
});

/** What every telemetry plugin keeps to. */
export const telemetryConformance = conformance<TelemetrySubject>("telemetry", [
  law("takes any spans without throwing", async ({ spans, flush }) => {
    spans?.([]);
    spans?.(odd);
    spans?.(Array.from({ length: 5000 }, () => sampleSpan()));
    await flush?.();
  }),
  law("leaves the spans it takes as they are", async ({ spans, flush }) => {
    const before = structuredClone(odd);
    spans?.(odd);
    await flush?.();
    assert.deepEqual(structuredClone(odd), before);
  }),
  law("takes sources of metrics and lets them go, also twice", async ({ metrics, flush }) => {
    const end = metrics?.(source);
    await flush?.();
    end?.();
    end?.();
    await flush?.();
  }),
  law("takes numbers of transactions and lets them go, also twice", async ({ transactions, flush }) => {
    const counted = {
      name: "pay",
      strategy: "tcc",
      begun: 3,
      committed: 1,
      aborted: { SOLD_OUT: 1 },
      rounds: 2,
      inFlight: 1,
    };
    const open = { name: "pay", strategy: "tcc", status: "active", count: 1, stuck: 0, oldestMs: 20 } as const;
    const prepared = { participant: "a.v1.A", count: 1, oldestMs: 5 };
    const end = transactions?.({
      read: () => ({ driven: [counted], open: [open], prepared: [prepared], batches: [] }),
    });
    await flush?.();
    end?.();
    end?.();
    await flush?.();
  }),
  law("flushes when there is nothing to flush", async ({ flush }) => {
    await flush?.();
    await flush?.();
  }),
  law("shows a trace it keeps, its spans by their start", ({ spans, trace }) => {
    if (!trace) return;
    assert.equal(trace("0".repeat(32)), undefined);
    const first = sampleSpan();
    const { traceId } = first.trace;
    const second = sampleSpan({ trace: { ...first.trace, spanId: id(16) }, startMs: first.startMs + 1 });
    spans?.([sampleSpan(), second]);
    spans?.([first, sampleSpan()]);
    assert.deepEqual(trace(traceId), { traceId, spans: [first, second] });
  }),
  law(
    "joins its foreign API to the trace it is given, and shows no span of ours as a foreign one",
    async ({ bridge }) => {
      if (!bridge) return;
      assert.equal(bridge.active(), undefined);
      const { trace } = sampleSpan();
      assert.equal(
        bridge.run(trace, "a.v1.A", () => bridge.active()),
        undefined,
      );
      assert.equal(await bridge.run(trace, "a.v1.A", async () => "what the work gives"), "what the work gives");
    },
  ),
]);
