import assert from "node:assert/strict";
import { callContext } from "../call/call-context.ts";
import { type ErrorCode, StatusError, type StatusErrorOptions } from "../call/status.ts";
import type { Method } from "../contract/types.ts";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { Sample, sampleCall, sampleInstance, sampleSite } from "../testing/samples.ts";
import { type ScriptedAttempt, type ScriptedGroup, scriptedGroup } from "../testing/scripted-group.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import type { Cluster, Group } from "./cluster.ts";

/** Makes the cluster with its default options on these ports. */
export type ClusterSubject = (ports: Ports) => Cluster;

/** A call to make: of `read` by default, with time enough. */
interface Attempted {
  readonly script: (number: number) => ScriptedAttempt;
  readonly method?: Method;
  readonly request?: unknown;
  readonly timeoutMs?: number;
  /** Changes the group of three instances. */
  readonly group?: (group: ScriptedGroup) => Group;
}

type Trial = ReturnType<typeof trialOf>;

const fails = (code: ErrorCode, options: StatusErrorOptions = {}): ScriptedAttempt => ({
  tookMs: 5,
  error: new StatusError(code, `${code} by script`, options),
});
const three = Object.freeze(["a", "b", "c"].map((id) => Object.freeze(sampleInstance(id))));

function trialOf(make: ClusterSubject) {
  const ports = virtualPorts();
  const subject = make(ports);
  const calling = ({
    script,
    method = Sample.methods.read,
    request = { key: "", number: 0 },
    timeoutMs = 1000,
    group,
  }: Attempted) => {
    const scripted = scriptedGroup(three, script, ports);
    const context = callContext({ timeoutMs }, ports);
    const call = sampleCall(context, { method, request });
    const reply = subject.invoker(sampleSite({ method }), group?.(scripted) ?? scripted)(call);
    reply.catch(() => undefined);
    return { made: scripted.made, context, request, settled: () => ports.settle(reply) };
  };
  return { ports, calling };
}

const law = (law: string, check: (trial: Trial) => void | Promise<void>) => ({
  law,
  check: (make: ClusterSubject) => check(trialOf(make)),
});

/** What every cluster keeps to. */
export const clusterConformance = conformance<ClusterSubject>("cluster", [
  law("gives the reply of the instance that answered", async ({ calling }) => {
    const { made, settled } = calling({ script: () => ({ tookMs: 5 }) });
    const { response } = await settled();
    assert.ok(made.some(({ instance }) => instance.id === (response as { text: string }).text));
  }),
  law("attempts only on candidates, with the request as it is", async ({ calling }) => {
    const { made, request, settled } = calling({ script: () => ({ tookMs: 5 }) });
    await settled();
    for (const { call, candidates } of made) {
      assert.equal(call.request, request);
      assert.ok(candidates.length > 0 && candidates.every((instance) => three.includes(instance)));
    }
  }),
  law("ends with an attempt's error when all fail", async ({ calling }) => {
    await assert.rejects(calling({ script: () => fails("UNAVAILABLE") }).settled(), { code: "UNAVAILABLE" });
  }),
  law("passes on that there is nobody to call", async ({ calling }) => {
    const nobody = new StatusError("UNAVAILABLE", "no instance", { neverSent: true });
    const throwing = () => {
      throw nobody;
    };
    for (const candidates of [() => Promise.reject(nobody), throwing]) {
      const group = (scripted: ScriptedGroup): Group => ({ ...scripted, candidates });
      const { made, settled } = calling({ script: () => ({ tookMs: 5 }), group });
      await assert.rejects(settled(), nobody);
      assert.equal(made.length, 0);
    }
  }),
  law("does not repeat what may have been done, unless the method is idempotent", async ({ calling }) => {
    const { made, settled } = calling({ script: () => fails("UNAVAILABLE"), method: Sample.methods.write });
    await assert.rejects(settled());
    assert.equal(made.length, 1);
  }),
  law("does not repeat what was answered with a refusal", async ({ calling }) => {
    const { made, settled } = calling({ script: () => fails("FAILED_PRECONDITION") });
    await assert.rejects(settled(), { code: "FAILED_PRECONDITION" });
    assert.equal(made.length, 1);
  }),
  law("begins no attempt after the deadline and is over soon after it", async ({ ports, calling }) => {
    const script = () => ({ ...fails("UNAVAILABLE"), tookMs: 60 });
    const { made, settled } = calling({ script, timeoutMs: 100 });
    await assert.rejects(settled());
    assert.ok(made.every(({ at }) => at < 100));
    assert.ok(ports.clock.now() <= 110, `over after ${ports.clock.now()} ms`);
  }),
  law("begins no attempt after the call is cancelled", async ({ ports, calling }) => {
    const { made, context, settled } = calling({ script: () => ({ ...fails("UNAVAILABLE"), tookMs: 60 }) });
    await ports.advance(30);
    context.cancel(new StatusError("CANCELLED", "enough"));
    await assert.rejects(settled(), { code: "CANCELLED" });
    assert.ok(made.every(({ at }) => at <= 30));
    assert.equal(ports.clock.now(), 30);
  }),
  law("reads a stream of requests once, though the attempt says nothing was sent", async ({ calling }) => {
    let read = 0;
    const request = {
      async *[Symbol.asyncIterator]() {
        read++;
        yield { key: "", number: 0 };
      },
    };
    const group = (scripted: ScriptedGroup): Group => ({
      ...scripted,
      async attempt(call, ...rest) {
        for await (const one of call.request as AsyncIterable<unknown>) assert.ok(one);
        return scripted.attempt(call, ...rest);
      },
    });
    const script = () => fails("UNAVAILABLE", { neverSent: true });
    await assert.rejects(calling({ script, method: Sample.methods.load, request, group }).settled());
    assert.equal(read, 1);
  }),
  law("leaves no timer behind", async ({ ports, calling }) => {
    await calling({ script: () => ({ tookMs: 5 }) }).settled();
    await assert.rejects(calling({ script: () => fails("UNAVAILABLE") }).settled());
    await ports.advance(2000);
    assert.equal(ports.pending, 0);
  }),
]);
