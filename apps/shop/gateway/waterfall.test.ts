import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpanRecord } from "@mortise/kernel";
import fc from "fast-check";
import { tracePage } from "./trace-page.ts";
import { waterfall } from "./waterfall.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";

function span(spanId: string, parentSpanId: string, startMs: number, durationMs: number, name = spanId): SpanRecord {
  const trace = { traceId, spanId, sampled: true, state: "" };
  const rest = { kind: "server", code: "OK", message: "", attributes: {}, service: "order" } as const;
  return { trace, parentSpanId, name, startMs, durationMs, ...rest };
}

describe("the waterfall of a trace", () => {
  it("puts children under their parents, in order of time", () => {
    const spans = [span("c", "a", 30, 10), span("a", "", 0, 100), span("d", "b", 12, 3), span("b", "a", 10, 10)];
    const { bars, durationMs } = waterfall({ traceId, spans });
    assert.equal(durationMs, 100);
    assert.deepEqual(
      bars.map((bar) => [bar.span.name, bar.depth]),
      [
        ["a", 0],
        ["b", 1],
        ["d", 2],
        ["c", 1],
      ],
    );
    assert.deepEqual([bars[1]?.start, bars[1]?.width], [0.1, 0.1]);
  });

  it("shows every span once and inside the trace, whatever parents they name", () => {
    const id = fc.integer({ min: 0, max: 9 }).map(String);
    const times = { start: fc.nat(1000), length: fc.nat(1000) };
    const records = fc.array(fc.record({ id, parent: id, ...times }), { maxLength: 20 });
    fc.assert(
      fc.property(records, (given) => {
        const spans = given.map(({ id, parent, start, length }) => span(id, parent, start, length));
        const { bars } = waterfall({ traceId, spans });
        assert.deepEqual(new Set(bars.map((bar) => bar.span)), new Set(spans));
        assert.equal(bars.length, spans.length);
        for (const bar of bars) assert.ok(bar.start >= 0 && bar.start + bar.width <= 1 + 1e-9);
      }),
    );
  });

  it("names on the page the transactions it is of, with strategy, outcome and id", async () => {
    const facts = { strategy: "tcc", outcome: "committed", gid: "01a1fee1-0000-7000-8000-000000000001" };
    const attributes = Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [`mortise.transaction.${name}`, value]),
    );
    const begun = { ...span("b", "a", 1, 2, "transaction placeOrder"), attributes };
    const pageOf = (spans: SpanRecord[]) => tracePage(traceId, waterfall({ traceId, spans }), undefined, new Map());
    const page = await pageOf([span("a", "", 0, 3), begun]);
    assert.match(page.toString(), /<b>placeOrder<\/b> by <b>tcc<\/b>, committed <code>01a1fee1-/);
    assert.doesNotMatch((await pageOf([span("a", "", 0, 3)])).toString(), /Its transaction/);
  });

  it("writes nothing into the page that a span could smuggle in", async () => {
    const evil = span("a", "", 0, 1, "<script>alert(1)</script>");
    const page = await tracePage(traceId, waterfall({ traceId, spans: [evil] }), undefined, new Map());
    assert.ok(!page.includes("<script>alert"));
  });
});
