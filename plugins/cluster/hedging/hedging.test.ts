import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, StatusError } from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import {
  Sample,
  type ScriptedAttempt,
  sampleCall,
  sampleInstance,
  sampleSite,
  scriptedGroup,
  virtualPorts,
} from "@mortise/kernel/testing";
import { hedging, hedgingCluster } from "./hedging.ts";

clusterConformance({ name: "hedging", make: () => ({ subject: (ports) => hedgingCluster(ports) }) });

async function run(
  script: readonly ScriptedAttempt[],
  fields: Record<string, unknown> = {},
  method = Sample.methods.read,
) {
  const ports = virtualPorts();
  const instances = Object.freeze(["a", "b", "c"].map((id) => sampleInstance(id)));
  const group = scriptedGroup(instances, (number) => script[number] ?? { tookMs: 1 }, ports);
  const invoke = hedgingCluster(ports).invoker(sampleSite({ method, policy: { fields } }), group);
  const reply = invoke(sampleCall(callContext({ timeoutMs: 60_000 }, ports), { method }));
  await ports.settle(reply.catch(() => undefined));
  return { begun: group.made.map(({ at }) => at), made: group.made, reply, at: ports.clock.now(), ports };
}

describe("cluster/hedging", () => {
  it("asks nobody else while the first instance is quick", async () => {
    assert.deepEqual((await run([{ tookMs: 99 }])).begun, [0]);
  });

  it("asks another one after the delay and takes whoever is first", async () => {
    const { begun, made, at } = await run([{ tookMs: 500 }, { tookMs: 20 }]);
    assert.deepEqual([begun, at], [[0, 100], 120]);
    assert.equal(made[0]?.call.context.cancelled?.code, "CANCELLED");
    const slow = await run([{ tookMs: 150 }, { tookMs: 500 }]);
    assert.deepEqual([slow.begun, slow.at], [[0, 100], 150]);
  });

  it("goes on at once when an attempt fails, up to its number", async () => {
    const failed: ScriptedAttempt = { tookMs: 5, error: new StatusError("UNAVAILABLE", "down") };
    assert.deepEqual((await run([failed, failed, failed], { hedgeAttempts: 3 })).begun, [0, 5, 10]);
    const two = await run([failed, failed, failed]);
    assert.deepEqual(two.begun, [0, 5]);
    await assert.rejects(two.reply, { code: "UNAVAILABLE" });
  });

  it("adds one attempt per delay", async () => {
    const slow = { tookMs: 1000 };
    assert.deepEqual((await run([slow, slow, slow], { hedgeAttempts: 3, hedgeDelayMs: 40 })).begun, [0, 40, 80]);
  });

  it("never asks twice when doing it twice may do harm", async () => {
    assert.deepEqual((await run([{ tookMs: 1000 }], {}, Sample.methods.write)).begun, [0]);
  });

  it("leaves no timer behind", async () => {
    const { ports } = await run([{ tookMs: 10 }]);
    await ports.advance(61_000);
    assert.equal(ports.pending, 0);
  });

  it("is the plugin cluster/hedging", () => assert.equal(hedging.id, "cluster/hedging"));
});
