import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, StatusError } from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import { sampleCall, sampleInstance, sampleSite, scriptedGroup, virtualPorts } from "@mortise/kernel/testing";
import { available, availableCluster } from "./available.ts";

clusterConformance({ name: "available", make: () => ({ subject: ({ clock }) => availableCluster(clock) }) });

describe("cluster/available", () => {
  const run = async (unreachable: readonly string[], neverSent = true) => {
    const ports = virtualPorts();
    const instances = Object.freeze(["a", "b", "c"].map((id) => sampleInstance(id)));
    const error = new StatusError("UNAVAILABLE", "refused", { neverSent });
    const script = (_: number, { id }: { id: string }) => ({ tookMs: 1, ...(unreachable.includes(id) && { error }) });
    const group = scriptedGroup(instances, script, ports);
    const reply = availableCluster(ports.clock).invoker(sampleSite(), group)(sampleCall(callContext({}, ports)));
    await ports.settle(reply.catch(() => undefined));
    return { reply, asked: group.made.map(({ instance }) => instance.id) };
  };

  it("calls the first instance", async () => assert.deepEqual((await run([])).asked, ["a"]));

  it("goes on to the next one when an instance cannot be reached", async () => {
    assert.deepEqual((await run(["a", "b"])).asked, ["a", "b", "c"]);
  });

  it("ends with the failure of an instance that was reached", async () => {
    const { asked, reply } = await run(["a"], false);
    assert.deepEqual(asked, ["a"]);
    await assert.rejects(reply, { code: "UNAVAILABLE" });
  });

  it("is the plugin cluster/available", () => assert.equal(available.id, "cluster/available"));
});
