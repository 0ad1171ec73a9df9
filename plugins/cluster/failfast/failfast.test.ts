import assert from "node:assert/strict";
import { it } from "node:test";
import { callContext, StatusError } from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import { sampleCall, sampleInstance, sampleSite, scriptedGroup, virtualPorts } from "@mortise/kernel/testing";
import { failfastCluster } from "./failfast.ts";

clusterConformance({ name: "failfast", make: () => ({ subject: () => failfastCluster }) });

it("makes one attempt, even where repeating would be safe", async () => {
  const ports = virtualPorts();
  const error = new StatusError("UNAVAILABLE", "gone", { neverSent: true });
  const group = scriptedGroup([sampleInstance("a"), sampleInstance("b")], () => ({ tookMs: 1, error }), ports);
  const invoke = failfastCluster.invoker(sampleSite(), group);
  await assert.rejects(ports.settle(invoke(sampleCall(callContext({}, ports)))), error);
  assert.equal(group.made.length, 1);
});

it("waits for candidates", async () => {
  const ports = virtualPorts();
  const group = scriptedGroup([sampleInstance("a")], () => ({ tookMs: 1 }), ports);
  const later = { ...group, candidates: async () => [sampleInstance("b")] };
  const { response } = await ports.settle(
    failfastCluster.invoker(sampleSite(), later)(sampleCall(callContext({}, ports))),
  );
  assert.deepEqual(response, { text: "b" });
});
