// What a span costs: `npm run bench -- tracing`, as data with --json. Handing the spans over, to a receiver that drops them, is
// part of the price; systems take turns, so that the machine's mood hits all alike. Times are of the process's CPU.
import { type SpanStart, systemPorts, type Tracer } from "@mortise/kernel";
import { silentLog } from "@mortise/kernel/testing";
import { offTracer } from "@mortise/plugins/tracer/off/off";
import { ringTracer } from "@mortise/plugins/tracer/ring/ring-tracer";
import { foreignSpan, sdkTracer, userTracer } from "@mortise/telemetry/otel/foreign-spans.fixture";

interface System {
  readonly name: string;
  /** Makes a span with attributes, sets more, ends it. */
  span(): void;
}

const rounds = 9;
const spansPerTurn = 500;
const turns = 200;

const attributes = { "rpc.method": "shop.inventory.v1.Inventory/Reserve", "rpc.system.name": "grpc" };
const start: SpanStart = {
  name: "shop.inventory.v1.Inventory/Reserve",
  kind: "server",
  service: "shop.inventory.v1.Inventory",
  attributes,
};

const whole = { ...attributes, "server.address": "127.0.0.1", "server.port": 50051 };

/** As the filter tracing does it: attributes of the method, then those with the instance. */
function ours(name: string, tracer: Tracer, withParent: boolean, own = false): System {
  const parent = withParent ? tracer.start(start).context : undefined;
  const { name: span, kind, service } = start;
  return {
    name,
    span() {
      const one = tracer.start({ name: span, kind, service, attributes, parent });
      if (own) one.set("server.port", 50051);
      else one.setAll(whole);
      one.end("OK");
    },
  };
}

function ring(ratio: number): Tracer {
  const options = { ratio, capacity: 16_384, drainMs: 200 };
  return ringTracer(options, systemPorts, () => [{ spans: () => undefined }], silentLog).api;
}

function foreign(name: string, tracer: ReturnType<typeof userTracer>): System {
  return { name, span: () => foreignSpan(tracer, start.name, attributes) };
}

const systems: readonly System[] = [
  ours("ring, new trace", ring(1), false),
  ours("ring, child", ring(1), true),
  ours("ring, child with a value of its own", ring(1), true, true),
  ours("ring, new trace not sampled", ring(0), false),
  ours("ring, child not sampled", ring(0), true),
  ours("off", offTracer(systemPorts), true),
  foreign("OpenTelemetry SDK, new trace", sdkTracer(1)),
  foreign("OpenTelemetry SDK, 1 % sampled", sdkTracer(0.01)),
  foreign("OpenTelemetry API without an SDK", userTracer()),
];

/** Nanoseconds per span in one round. */
async function round({ span }: System): Promise<number> {
  const began = process.cpuUsage().user;
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < spansPerTurn; i++) span();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return ((process.cpuUsage().user - began) * 1000) / (turns * spansPerTurn);
}

const taken = new Map<System, number[]>(systems.map((system) => [system, []]));
for (let i = 0; i < rounds; i++) {
  for (const [system, times] of taken) times.push(await round(system));
}

const rows = [...taken].map(([{ name }, times]) => {
  const sorted = times.toSorted((a, b) => a - b);
  return { name, ns: Math.round(sorted[sorted.length >> 1] ?? 0), minNs: Math.round(sorted[0] ?? 0) };
});
if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
else
  for (const { name, ns, minNs } of rows) console.log(`${name.padEnd(36)} ${`${ns}`.padStart(6)} ns  (best ${minNs})`);
