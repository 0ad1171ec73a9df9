import assert from "node:assert/strict";
import { it } from "node:test";
import { SpanColumns } from "./span-columns.ts";
import type { SpanRecord } from "./tracer.ts";

const span = (number: number): SpanRecord => ({
  trace: { traceId: `t${number}`, spanId: `s${number}`, sampled: true, state: `a=${number}` },
  parentSpanId: `p${number}`,
  name: `n${number}`,
  kind: number % 2 ? "client" : "server",
  startMs: number + 0.5,
  durationMs: number + 0.25,
  code: number % 3 ? "OK" : "INTERNAL",
  message: `m${number}`,
  attributes: { number },
  service: `v${number}`,
});

it("spans come back as they were put, each from its place", () => {
  const columns = new SpanColumns(8);
  for (let number = 0; number < 20; number++) columns.put(number % 8, span(number));
  for (let number = 12; number < 20; number++) {
    assert.deepEqual(columns.get(number % 8), span(number));
    assert.equal(columns.traceId(number % 8), `t${number}`);
  }
  assert.equal(new SpanColumns(1).traceId(0), "");
});
