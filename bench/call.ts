// What the platform's part of a call costs: `npm run bench -- call`, as data with --json. Client and server are one process, so
// both halves are counted; processor time, because other work on the machine does not count towards it. Systems take turns.
import type { CallContext, Plugin } from "@mortise/kernel";
import { callContext, clients, defineService } from "@mortise/kernel";
import { Empty, rpc, service } from "@mortise/kernel/contract";
import { createKernel } from "../kernel/core/kernel.ts";
import { packagePlugins } from "../kernel/core/package-plugins.ts";

const rounds = 9;
const callsPerRound = 20_000;
const workers = 64;

const Nothing = service("mortise.bench.v1.Nothing", { call: rpc(Empty, Empty) });

interface System {
  readonly name: string;
  readonly call: (context: CallContext) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

const served: Plugin = defineService(Nothing, {
  name: "nothing",
  description: "Answers with nothing",
  setup: () => ({ handlers: { call: async () => ({}) } }),
});

async function app(name: string, filter: readonly string[], options: Record<string, unknown> = {}): Promise<System> {
  const companions = { names: ["@mortise/plugins", "@mortise/telemetry"], dir: import.meta.dirname };
  const { catalogue } = await packagePlugins(import.meta.dirname, companions);
  const own = { id: served.id, source: "app" as const, from: "bench", load: async () => served };
  const kernel = createKernel({ catalogue: [...catalogue, own] });
  const use = { protocol: "inproc", service: ["nothing"], server: "runtime", clients: "runtime", filter };
  const result = await kernel.apply({ use, options });
  if (!result.ok) throw result.error;
  const { call } = kernel.get(clients).client(Nothing);
  return { name, call: (context) => call({}, context), stop: () => kernel.stop() };
}

const answer = async () => ({});

const systems: readonly System[] = [
  { name: "an async function", call: () => answer(), stop: async () => undefined },
  await app("a call, no filters", ["-default"]),
  await app("a call, deadline", ["-default", "deadline"]),
  await app("a call, deadline and metrics", ["-default", "deadline", "metrics"]),
  await app("a call, all default filters, not sampled", ["default"], { "tracer/ring": { ratio: 0 } }),
  await app("a call, all default filters, sampled", ["default"]),
];

/** Processor microseconds per call in one round. */
async function round({ call }: System): Promise<number> {
  const context = callContext({ timeoutMs: 600_000 });
  let left = callsPerRound;
  const work = async () => {
    while (left-- > 0) await call(context);
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: workers }, work));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / callsPerRound;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const measured = systems.map(({ name }) => ({ name, micros: [] as number[] }));
for (let i = -2; i < rounds; i++) {
  for (const [at, system] of systems.entries()) {
    const micros = await round(system);
    if (i >= 0) measured[at]?.micros.push(micros); // the first two rounds warm up
  }
}
for (const system of systems) await system.stop();

const bare = median(measured[0]?.micros ?? []);
const results = measured.map(({ name, micros }) => ({
  name,
  microsPerCall: median(micros),
  fastest: Math.min(...micros),
  timesBare: median(micros) / bare,
}));

if (process.argv.includes("--json")) console.log(JSON.stringify({ rounds, callsPerRound, workers, results }, null, 2));
else {
  console.log(`processor time per call over protocol/inproc, both sides, ${workers} at a time`);
  for (const { name, microsPerCall, fastest, timesBare } of results) {
    const columns = [`${microsPerCall.toFixed(2)} µs`, `fastest ${fastest.toFixed(2)}`, `${timesBare.toFixed(0)}x`];
    console.log(`${name.padEnd(42)} ${columns.map((text) => text.padStart(14)).join("")}`);
  }
}
