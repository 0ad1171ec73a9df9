import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, StatusError } from "@mortise/kernel";
import { field, message, required } from "@mortise/kernel/contract";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import {
  keptLog,
  Sample,
  SampleReply,
  sampleCall,
  sampleInstance,
  sampleSite,
  scriptedGroup,
  silentLog,
  virtualPorts,
} from "@mortise/kernel/testing";
import { failsafe, failsafeCluster } from "./failsafe.ts";

const swallows = "it answers with nothing instead of failing, by design";

clusterConformance({
  name: "failsafe",
  make: () => ({ subject: () => failsafeCluster(silentLog) }),
  deviations: [
    "ends with an attempt's error when all fail",
    "passes on that there is nobody to call",
    "does not repeat what may have been done, unless the method is idempotent",
    "does not repeat what was answered with a refusal",
    "begins no attempt after the deadline and is over soon after it",
    "reads a stream of requests once, though the attempt says nothing was sent",
    "leaves no timer behind",
  ].map((law) => ({ law, reason: swallows })),
});

describe("cluster/failsafe", () => {
  const run = async (method: (typeof Sample.methods)[keyof typeof Sample.methods]) => {
    const ports = virtualPorts();
    const log = keptLog();
    const error = new StatusError("INTERNAL", "sick");
    const group = scriptedGroup([sampleInstance("a")], () => ({ tookMs: 1, error }), ports);
    const invoke = failsafeCluster(log).invoker(sampleSite({ method }), group);
    const reply = await ports.settle(invoke(sampleCall(callContext({}, ports), { method })));
    return { reply, made: group.made, lines: log.lines };
  };

  it("makes one attempt, logs its failure and answers with nothing", async () => {
    const { reply, made, lines } = await run(Sample.methods.write);
    assert.deepEqual(reply.response, { text: "" });
    assert.equal(made.length, 1);
    assert.match(JSON.stringify(lines), /Sample\/Write failed/);
  });

  it("answers with an empty stream where a stream is expected", async () => {
    const { reply } = await run(Sample.methods.watch);
    for await (const _ of reply.response as AsyncIterable<unknown>) assert.fail("it is empty");
  });

  it("refuses methods whose answer cannot be empty when their path is made", () => {
    const Strict = message("test.v1.Strict", { inner: required(field(1, SampleReply)) });
    const method = { ...Sample.methods.read, output: Strict };
    const group = scriptedGroup([], () => ({ tookMs: 1 }), virtualPorts());
    assert.throws(() => failsafeCluster(silentLog).invoker(sampleSite({ method }), group), /inner/);
  });

  it("is the plugin cluster/failsafe", () => assert.equal(failsafe.id, "cluster/failsafe"));
});
