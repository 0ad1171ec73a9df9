import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type ErrorCode, StatusError } from "@mortise/kernel";
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
import fc from "fast-check";
import { forking, forkingCluster } from "./forking.ts";

clusterConformance({
  name: "forking",
  make: () => ({ subject: (ports) => forkingCluster(ports) }),
  deviations: [
    {
      law: "does not repeat what was answered with a refusal",
      reason: "it asks several at once, before any has answered",
    },
  ],
});

const failing = (code: ErrorCode, tookMs: number, neverSent = false): ScriptedAttempt => ({
  tookMs,
  error: new StatusError(code, "by script", { neverSent }),
});

async function run(script: readonly ScriptedAttempt[], forks = 2, method = Sample.methods.read) {
  const ports = virtualPorts();
  const instances = Object.freeze(["a", "b", "c", "d"].map((id) => sampleInstance(id)));
  const group = scriptedGroup(instances, (number) => script[number] ?? { tookMs: 1 }, ports);
  const invoke = forkingCluster(ports).invoker(sampleSite({ method, policy: { fields: { forks } } }), group);
  const outcome = await ports.settle(
    invoke(sampleCall(callContext({ timeoutMs: 60_000 }, ports), { method })).then(
      ({ response }) => (response as { text: string }).text,
      (error: unknown) => error as StatusError,
    ),
  );
  return { made: group.made, outcome, at: ports.clock.now() };
}

describe("cluster/forking", () => {
  it("asks different instances at once, takes the first reply and cancels the others", async () => {
    const { made, outcome, at } = await run([{ tookMs: 50 }, { tookMs: 10 }, { tookMs: 90 }], 3);
    assert.deepEqual([new Set(made.map(({ instance }) => instance.id)).size, at], [3, 10]);
    assert.equal(outcome, made[1]?.instance.id);
    assert.deepEqual(
      made.map(({ call }) => call.context.cancelled?.code),
      ["CANCELLED", undefined, "CANCELLED"],
    );
  });

  it("ends as the first reply or refusal does, or as the last failure if there is none", async () => {
    const attempt = fc.record({
      tookMs: fc.integer({ min: 1, max: 1000 }),
      ends: fc.constantFrom("well", "UNAVAILABLE", "NOT_FOUND"),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(attempt, { minLength: 4, maxLength: 4, selector: ({ tookMs }) => tookMs }),
        async (attempts) => {
          const script = attempts.map(({ tookMs, ends }) =>
            ends === "well" ? { tookMs } : failing(ends as ErrorCode, tookMs),
          );
          const { outcome, at } = await run(script, 4);
          const inTime = [...attempts].sort((a, b) => a.tookMs - b.tookMs);
          const decisive = inTime.find(({ ends }) => ends !== "UNAVAILABLE") ?? inTime.at(-1);
          assert.equal(at, decisive?.tookMs);
          assert.equal(outcome instanceof StatusError ? outcome.code : "well", decisive?.ends);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("asks one instance only when doing it twice may do harm", async () => {
    const { made } = await run([], 4, Sample.methods.write);
    assert.equal(made.length, 1);
  });

  it("says that nothing was sent only when that is so of every attempt", async () => {
    const both = await run([failing("UNAVAILABLE", 1, true), failing("UNAVAILABLE", 2, true)]);
    assert.equal((both.outcome as StatusError).neverSent, true);
    const one = await run([failing("UNAVAILABLE", 1), failing("UNAVAILABLE", 2, true)]);
    assert.equal((one.outcome as StatusError).neverSent, false);
  });

  it("is the plugin cluster/forking", () => assert.equal(forking.id, "cluster/forking"));
});
