import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { metadata, noMetadata } from "../call/metadata.ts";
import { loadReportTrailer, readLoadReport, writeLoadReport } from "./load-report.ts";

const read = (text: string) => readLoadReport(metadata({ [loadReportTrailer]: text }));

it("a load report is read as it was written, to two digits", () => {
  const load = fc.double({ min: 0, max: 1, noNaN: true });
  const tookMs = fc.double({ min: 0.001, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(load, tookMs, (load, tookMs) => {
      const report = read(writeLoadReport({ load, tookMs }));
      assert.ok(report);
      assert.ok(Math.abs(report.load - load) <= 0.005 + 1e-9);
      assert.ok(Math.abs(report.tookMs / tookMs - 1) <= 0.051);
    }),
  );
});

it("a load report that makes no sense is none", () => {
  assert.equal(readLoadReport(noMetadata), undefined);
  for (const text of [
    "",
    "TEXT",
    "TEXT application_utilization=,named_metrics.rt_ms=1",
    "TEXT application_utilization=1",
  ])
    assert.equal(read(text), undefined);
  assert.equal(read("TEXT application_utilization=-1,named_metrics.rt_ms=2"), undefined);
  assert.equal(read("TEXT application_utilization=x,named_metrics.rt_ms=2"), undefined);
});

it("other fields of a load report are passed over", () => {
  const text = "TEXT cpu_utilization=0.9,application_utilization=0.4,rps_fractional=10,named_metrics.rt_ms=2.5,eps=1";
  assert.deepEqual(read(text), { load: 0.4, tookMs: 2.5 });
});
