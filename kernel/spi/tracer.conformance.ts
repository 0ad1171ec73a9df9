import assert from "node:assert/strict";
import type { TraceContext } from "../call/trace.ts";
import type { Running } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { Telemetry } from "./telemetry.ts";
import type { SpanRecord, SpanStart, Tracer } from "./tracer.ts";

/** Starts the tracer with its default options; it hands what it records to `receivers`. */
export type TracerSubject = (ports: Ports, receivers: readonly Telemetry[]) => Running<Tracer>;

interface Bench {
  readonly tracer: Tracer;
  readonly ports: VirtualPorts;
  /** What came out so far. */
  readonly spans: readonly SpanRecord[];
  stop(): Promise<void>;
}

const parent: TraceContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  sampled: true,
  state: "congo=t61rcWkgMzE",
};
/** A span may be its own position; only this much of it counts. */
const position = ({ traceId, spanId, sampled, state }: TraceContext) => ({ traceId, spanId, sampled, state });
const start = (changes: Partial<SpanStart> = {}): SpanStart => ({
  name: "a.v1.A/Get",
  kind: "server",
  service: "a.v1.A",
  ...changes,
});

const law = (law: string, check: (bench: Bench) => void | Promise<void>) => ({
  law,
  async check(make: TracerSubject) {
    const ports = virtualPorts();
    const spans: SpanRecord[] = [];
    const { api, stop } = make(ports, [{ spans: (batch) => spans.push(...batch) }]);
    let stopped = false;
    const end = async () => {
      if (!stopped) await stop?.();
      stopped = true;
    };
    try {
      await check({ tracer: api, ports, spans, stop: end });
    } finally {
      await end();
    }
  },
});

/** What every tracer keeps to. */
export const tracerConformance = conformance<TracerSubject>("tracer", [
  law("begins a new trace with ids of the right shape", ({ tracer }) => {
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const { context } = tracer.start(start());
      assert.match(context.traceId, /^(?!0+$)[0-9a-f]{32}$/);
      assert.match(context.spanId, /^(?!0+$)[0-9a-f]{16}$/);
      seen.add(context.traceId).add(context.spanId);
    }
    assert.equal(seen.size, 600);
  }),
  law("stays in the trace of the parent, with its decision and its state", ({ tracer }) => {
    for (const sampled of [true, false]) {
      const { context } = tracer.start(start({ parent: { ...parent, sampled } }));
      const { traceId, state } = parent;
      assert.deepEqual({ ...position(context), spanId: "" }, { traceId, state, sampled, spanId: "" });
    }
  }),
  law("records nothing below a parent that is not sampled", async ({ tracer, spans }) => {
    const span = tracer.start(start({ parent: { ...parent, sampled: false } }));
    span.set("a", 1);
    span.end("INTERNAL", "broken");
    await tracer.flush();
    assert.deepEqual(spans, []);
  }),
  law("hands over a finished span as it was", async ({ tracer, ports, spans }) => {
    const startMs = ports.clock.wall();
    const span = tracer.start(start({ parent, attributes: { "rpc.method": "a.v1.A/Get", retries: 0 } }));
    span.set("retries", 1);
    await ports.advance(25);
    span.set("cached", false);
    span.end("NOT_FOUND", "no such order");
    await tracer.flush();
    const [record] = spans;
    assert.ok(record);
    assert.deepEqual(position(record.trace), position(span.context));
    assert.equal(record.parentSpanId, parent.spanId);
    assert.notEqual(record.trace.spanId, parent.spanId);
    const { name, kind, service, code, message, durationMs } = record;
    assert.deepEqual(
      { name, kind, service, code, message, startMs: record.startMs, durationMs },
      { ...start(), code: "NOT_FOUND", message: "no such order", startMs, durationMs: 25 },
    );
    assert.deepEqual({ ...record.attributes }, { "rpc.method": "a.v1.A/Get", retries: 1, cached: false });
  }),
  law("puts all attributes in place of others", async ({ tracer, spans }) => {
    const all = Object.freeze({ b: 2 });
    const span = tracer.start(start({ parent, attributes: { a: 1 } }));
    span.set("c", 3);
    span.setAll(all);
    span.set("d", 4);
    span.end("OK");
    await tracer.flush();
    assert.deepEqual({ ...spans[0]?.attributes }, { b: 2, d: 4 });
  }),
  law("takes a span that is told of afterwards", async ({ tracer, spans }) => {
    tracer.start(start({ parent, startMs: 1000 })).end("OK", "", 1040);
    await tracer.flush();
    assert.deepEqual([spans[0]?.startMs, spans[0]?.durationMs], [1000, 40]);
  }),
  law("hands over on its own, within seconds, and leaves no timer behind", async ({ tracer, ports, spans }) => {
    tracer.start(start({ parent })).end("OK");
    await ports.advance(5000);
    assert.deepEqual([spans.length, ports.pending], [1, 0]);
  }),
  law("hands over what is recorded when it stops", async ({ tracer, ports, spans, stop }) => {
    tracer.start(start({ parent })).end("OK");
    await stop();
    assert.deepEqual([spans.length, ports.pending], [1, 0]);
  }),
  law("counts what it records", async ({ tracer }) => {
    tracer.start(start({ parent })).end("OK");
    tracer.start(start({ parent }));
    assert.deepEqual({ ...tracer.counts }, { recorded: 1, dropped: 0 });
  }),
]);
