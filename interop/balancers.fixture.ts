// Prints how many bytes a pick of each installed balancer allocates: run with a young generation so large that nothing is collected.
import { callContext, type LoadBalancer } from "@mortise/kernel";
import { sampleCall, sampleInstance, sampleSite, startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { installedOf } from "./installed.fixture.ts";

const picks = 500_000;
const outcome = Object.freeze({ tookMs: 3, code: "OK" as const });
const call = sampleCall(callContext(), { request: { key: "k", number: 1 } });
const instances = Object.freeze(
  Array.from({ length: 50 }, (_, i) => Object.freeze(sampleInstance(`${i}`, { weight: 50 + (i % 4) * 50 }))),
);

function bytesOf(pick: () => { done(of: typeof outcome): void }): number {
  for (let i = 0; i < picks; i++) pick().done(outcome); // until everything is known and compiled
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < picks; i++) pick().done(outcome);
  return (process.memoryUsage().heapUsed - before) / picks;
}

const bytes: Record<string, number> = { "an object per pick": bytesOf(() => ({ done: () => undefined })) };
for (const [name, plugin] of await installedOf("loadbalancer")) {
  const { api } = await startPlugin<LoadBalancer>(plugin, { ports: virtualPorts() });
  const picker = api.picker(sampleSite());
  bytes[name] = bytesOf(() => picker.pick(instances, call));
}
console.log(JSON.stringify(bytes));
