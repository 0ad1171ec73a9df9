import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Call, contextFromHeaders, metadata, noMetadata, type Reply, StatusError } from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { asksForLoad, loadReportTrailer, readLoadReport } from "@mortise/kernel/spi/load-report";
import { Sample, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { loadReport } from "./load-report.ts";
import { loadReportFilter } from "./load-report-filter.ts";

const idle = { read: () => 0 };

filterConformance({ name: "load-report", make: () => ({ subject: ({ clock }) => loadReportFilter(clock, idle) }) });

describe("filter/load-report", () => {
  const replyOf = async (headers: Record<string, string>, end: (call: Call) => Promise<Reply>, load = 0.5) => {
    const ports = virtualPorts();
    const wrap = loadReportFilter(ports.clock, { read: () => load }).wrap(sampleSite({ place: "provider" }));
    const context = contextFromHeaders(metadata(headers), ports);
    const slow = async (call: Call) => {
      await ports.timers.sleep(12);
      return end(call);
    };
    return ports.settle(wrap?.(slow)(sampleCall(context)) ?? assert.fail());
  };
  const answer: Reply = { response: { text: "" }, headers: noMetadata, trailers: () => metadata({ "x-own": "1" }) };

  it("tells a caller that asks how busy the process is and how long the call took, beside the handler's trailers", async () => {
    const trailers = (await replyOf(asksForLoad as Record<string, string>, async () => answer)).trailers();
    assert.deepEqual(readLoadReport(trailers), { load: 0.5, tookMs: 12 });
    assert.equal(trailers.get("x-own"), "1");
  });

  it("leaves the reply as it is where nobody asks", async () => {
    assert.equal(await replyOf({}, async () => answer), answer);
  });

  it("passes failures on as they are", async () => {
    const error = new StatusError("UNAVAILABLE", "sick");
    await assert.rejects(
      replyOf(asksForLoad as Record<string, string>, () => Promise.reject(error)),
      error,
    );
    assert.equal(error.trailers.get(loadReportTrailer), undefined);
  });

  it("has nothing to do at the caller and for streams of answers", () => {
    const filter = loadReportFilter(virtualPorts().clock, idle);
    assert.equal(filter.wrap(sampleSite({ place: "call" })), undefined);
    assert.equal(filter.wrap(sampleSite({ place: "attempt" })), undefined);
    assert.equal(filter.wrap(sampleSite({ place: "provider", method: Sample.methods.watch })), undefined);
  });

  it("is the plugin filter/load-report", () => assert.equal(loadReport.id, "filter/load-report"));
});
