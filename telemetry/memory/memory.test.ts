import assert from "node:assert/strict";
import { it } from "node:test";
import { sampleSpan, telemetryConformance } from "@mortise/kernel/spi/telemetry.conformance";
import fc from "fast-check";
import { memoryTelemetry } from "./memory.ts";

const options = { maxSpans: 1000, maxSpansPerTrace: 10 };

telemetryConformance({
  name: "memory",
  make: () => ({ subject: async () => ({ api: memoryTelemetry(options) }) }),
});

const spanOf = (trace: number, startMs: number) =>
  sampleSpan({ trace: { traceId: `${trace}`, spanId: `${startMs}`, sampled: true, state: "" }, startMs });

it("keeps exactly the newest spans", () => {
  const batches = fc.array(fc.array(fc.nat(3), { maxLength: 12 }));
  fc.assert(
    fc.property(batches, (all) => {
      const telemetry = memoryTelemetry({ maxSpans: 16, maxSpansPerTrace: 100 });
      let clock = 0;
      const given = all.map((traces) => traces.map((trace) => spanOf(trace, clock++)));
      for (const batch of given) telemetry.spans?.(batch);
      const kept = given.flat().slice(-16);
      for (const trace of ["0", "1", "2", "3"]) {
        const expected = kept.filter((span) => span.trace.traceId === trace);
        assert.deepEqual(telemetry.trace?.(trace)?.spans ?? [], expected);
      }
    }),
  );
});

it("shows the earliest spans of a long trace", () => {
  const telemetry = memoryTelemetry(options);
  telemetry.spans?.(Array.from({ length: 50 }, (_, i) => spanOf(1, 50 - i)));
  assert.deepEqual(
    telemetry.trace?.("1")?.spans.map(({ startMs }) => startMs),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
});
