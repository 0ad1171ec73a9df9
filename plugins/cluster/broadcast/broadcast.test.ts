import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, StatusError } from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import { Sample, sampleCall, sampleInstance, sampleSite, scriptedGroup, virtualPorts } from "@mortise/kernel/testing";
import { broadcast, broadcastCluster } from "./broadcast.ts";

clusterConformance({
  name: "broadcast",
  make: () => ({ subject: ({ clock }) => broadcastCluster(clock) }),
  deviations: [
    {
      law: "does not repeat what may have been done, unless the method is idempotent",
      reason: "every instance is meant to do it",
    },
    {
      law: "does not repeat what was answered with a refusal",
      reason: "a refusal of one instance does not speak for the others",
    },
    {
      law: "reads a stream of requests once, though the attempt says nothing was sent",
      reason: "it refuses methods with a stream of requests, which cannot be sent to several instances",
    },
  ],
});

describe("cluster/broadcast", () => {
  const run = async (failing: readonly string[], broadcastFailPercent?: number) => {
    const ports = virtualPorts();
    const instances = Object.freeze(["a", "b", "c", "d"].map((id) => sampleInstance(id)));
    const script = (_: number, { id }: { id: string }) => ({
      tookMs: 1,
      ...(failing.includes(id) && { error: new StatusError("INTERNAL", `${id} failed`) }),
    });
    const group = scriptedGroup(instances, script, ports);
    const fields = broadcastFailPercent === undefined ? {} : { broadcastFailPercent };
    const invoke = broadcastCluster(ports.clock).invoker(
      sampleSite({ method: Sample.methods.write, policy: { fields } }),
      group,
    );
    const reply = invoke(sampleCall(callContext({}, ports), { method: Sample.methods.write }));
    await ports.settle(reply.catch(() => undefined));
    return { reply, asked: group.made.map(({ instance }) => instance.id).join("") };
  };

  it("calls every instance and gives the last reply", async () => {
    const { reply, asked } = await run([]);
    assert.equal(asked, "abcd");
    assert.deepEqual((await reply).response, { text: "d" });
  });

  it("goes on when one fails, and ends with the last failure", async () => {
    const { reply, asked } = await run(["a", "c"]);
    assert.equal(asked, "abcd");
    await assert.rejects(reply, { message: "c failed" });
  });

  it("leaves the rest out once enough have failed", async () => {
    assert.equal((await run(["a", "b", "c"], 50)).asked, "ab");
    assert.equal((await run(["a", "b", "c"], 0)).asked, "a");
  });

  it("is the plugin cluster/broadcast", () => assert.equal(broadcast.id, "cluster/broadcast"));
});
