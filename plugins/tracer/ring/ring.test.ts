import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpanRecord, SpanStart, Telemetry } from "@mortise/kernel";
import { sampleSpan } from "@mortise/kernel/spi/telemetry.conformance";
import { tracerConformance } from "@mortise/kernel/spi/tracer.conformance";
import { keptLog, silentLog, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { type RingTracerOptions, ringTracer } from "./ring-tracer.ts";
import { spanQueue } from "./span-queue.ts";

const options: RingTracerOptions = { ratio: 1, capacity: 1024, drainMs: 200 };
const root: SpanStart = { name: "n", kind: "internal", service: "s" };

tracerConformance({
  name: "ring",
  make: () => ({ subject: (ports, receivers) => ringTracer(options, ports, () => receivers, silentLog) }),
});

/** A tracer and the batches that came out of it. */
function traced(changes: Partial<RingTracerOptions> = {}, ports = virtualPorts()) {
  const log = keptLog();
  const batches: (readonly SpanRecord[])[] = [];
  const receivers: Telemetry[] = [{ spans: (batch) => batches.push(batch) }];
  const { api, stop } = ringTracer({ ...options, ...changes }, ports, () => receivers, log);
  return { api, stop, ports, log, batches, receivers, names: () => batches.flat().map(({ name }) => name) };
}

describe("tracer/ring", () => {
  it("records the given part of new traces, each as a whole", async () => {
    const { api, batches } = traced({ ratio: 0.25, capacity: 16_384 });
    for (let i = 0; i < 8000; i++) {
      const top = api.start(root);
      api.start({ ...root, parent: top.context }).end("OK");
      top.end("OK");
    }
    await api.flush();
    const spans = batches.flat();
    assert.ok(Math.abs(spans.length / 16_000 - 0.25) < 0.02, `${spans.length} spans`);
    const traces = Map.groupBy(spans, ({ trace }) => trace.traceId);
    assert.ok([...traces.values()].every((list) => list.length === 2));
  });

  it("makes no id and no record below a parent that is not sampled", () => {
    const { api } = traced();
    const parent = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: false, state: "" };
    assert.equal(api.start({ ...root, parent }).context, parent);
  });

  it("hands over in batches", async () => {
    const { api, batches, ports } = traced();
    for (let i = 0; i < 900; i++) api.start(root).end("OK");
    assert.equal(batches.length, 0);
    await ports.advance(0);
    assert.deepEqual(
      batches.map(({ length }) => length),
      [512, 388],
    );
  });

  it("lets other work have its turn when handing over takes long", async () => {
    const { api, ports, receivers, batches } = traced();
    let spent = 0;
    const clock = { ...ports.clock, now: () => ports.clock.now() + spent };
    receivers.push({
      spans() {
        spent += 3;
      },
    });
    const slow = ringTracer(options, { ...ports, clock }, () => receivers, silentLog).api;
    for (let i = 0; i < 1024; i++) slow.start(root).end("OK");
    const turns: number[] = [];
    ports.timers.after(0, () => turns.push(batches.length));
    await ports.advance(0);
    assert.deepEqual(turns, [1]);
    assert.equal(batches.length, 2);
    await api.flush();
  });

  it("loses the oldest when more comes than fits, counts them and says so", async () => {
    const { api, ports, log, names } = traced();
    for (let i = 0; i < 1500; i++) api.start({ ...root, name: `${i}` }).end("OK");
    assert.deepEqual(api.counts, { recorded: 1500, dropped: 476 });
    await ports.advance(1000);
    assert.deepEqual(
      names(),
      Array.from({ length: 1024 }, (_, i) => `${i + 476}`),
    );
    assert.deepEqual(log.lines, [
      {
        level: "warn",
        message: "spans were lost: more came than could be handed over",
        fields: { spans: 476 },
      },
    ]);
  });

  it("gives every receiver everything, though one throws", async () => {
    const { api, receivers, log, names } = traced();
    receivers.unshift({
      spans() {
        throw new Error("broken");
      },
    });
    api.start(root).end("OK");
    await api.flush();
    assert.deepEqual(names(), ["n"]);
    assert.equal(log.lines.length, 1);
  });

  it("ends a span once and changes nothing after", async () => {
    const { api, batches } = traced();
    const span = api.start(root);
    span.end("ABORTED", "first");
    span.set("late", true);
    span.end("OK");
    await api.flush();
    const [[record] = []] = batches;
    assert.deepEqual([record?.code, record?.message, { ...record?.attributes }], ["ABORTED", "first", {}]);
  });

  it("measures durations by the monotonic clock", async () => {
    const ports = virtualPorts();
    let set = 0;
    const clock = { now: ports.clock.now, wall: () => ports.clock.wall() + set };
    const { api, batches } = traced(
      { drainMs: 10 },
      { ...ports, clock, advance: ports.advance, pending: 0, settle: ports.settle },
    );
    const span = api.start(root);
    api.start(root).end("OK");
    set = 3_600_000;
    await ports.advance(50);
    span.end("OK");
    await api.flush();
    assert.equal(batches.flat()[1]?.durationMs, 50);
  });

  it("comes closer to the wall clock than that can be read", async () => {
    const ports = virtualPorts();
    const now = () => ports.clock.now() + 0.7;
    const clock = { now, wall: () => Math.floor(1_790_000_000_000 + now()) };
    const { api, batches } = traced(
      { drainMs: 10 },
      { ...ports, clock, advance: ports.advance, pending: 0, settle: ports.settle },
    );
    for (let i = 0; i < 50; i++) {
      api.start(root).end("OK");
      await ports.advance(10.13);
    }
    const expected = 1_790_000_000_000 + now();
    api.start(root).end("OK");
    await api.flush();
    const late = expected - (batches.flat().at(-1)?.startMs ?? 0);
    assert.ok(late >= 0 && late < 0.1, `${late} ms off`);
  });
});

it("a queue of spans keeps the newest in order", () => {
  const steps = fc.array(fc.oneof(fc.record({ push: fc.nat(40) }), fc.record({ take: fc.nat(40) })));
  fc.assert(
    fc.property(steps, (all) => {
      const queue = spanQueue(16);
      let model: number[] = [];
      let next = 0;
      let lost = 0;
      for (const step of all) {
        if ("push" in step) {
          for (let i = 0; i < step.push; i++) {
            queue.push(sampleSpan({ startMs: next }));
            model.push(next++);
          }
          lost += Math.max(0, model.length - 16);
          model = model.slice(-16);
        } else {
          assert.deepEqual(
            queue.take(step.take).map(({ startMs }) => startMs),
            model.splice(0, step.take),
          );
        }
        assert.deepEqual([queue.size, queue.dropped], [model.length, lost]);
      }
    }),
  );
});
