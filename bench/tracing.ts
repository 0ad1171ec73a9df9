// What a span costs: `npm run bench -- tracing`, as data with --json. The spans are handed over to a receiver that drops
// them, which is part of the price; systems take turns, so that the machine's mood hits all alike.
import { type SpanStart, systemPorts, type Tracer } from "@mortise/kernel";
import { silentLog } from "@mortise/kernel/testing";
import { offTracer } from "@mortise/plugins/tracer/off/off";
import { ringTracer } from "@mortise/plugins/tracer/ring/ring-tracer";
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

interface System {
  readonly name: string;
  /** Makes a span, sets an attribute, ends it. */
  span(): void;
}

const rounds = 15;
const spansPerTurn = 500;
const turns = 100;

const attributes = { "rpc.method": "shop.inventory.v1.Inventory/Reserve", "rpc.system.name": "grpc" };
const start: SpanStart = {
  name: "shop.inventory.v1.Inventory/Reserve",
  kind: "server",
  service: "shop.inventory.v1.Inventory",
  attributes,
};

function ours(name: string, tracer: Tracer, withParent: boolean): System {
  const parent = withParent ? tracer.start(start).context : undefined;
  const { name: span, kind, service } = start;
  return {
    name,
    span() {
      const one = tracer.start({ name: span, kind, service, attributes, parent });
      one.set("server.port", 50051);
      one.end("OK");
    },
  };
}

function ring(ratio: number): Tracer {
  const options = { ratio, capacity: 16_384, drainMs: 200 };
  return ringTracer(options, systemPorts, () => [{ spans: () => undefined }], silentLog).api;
}

/** The SDK with a batch processor and an exporter that drops everything. */
function sdk(name: string, ratio: number): System {
  const exporter: SpanExporter = {
    export: (_spans, done) => done({ code: ExportResultCode.SUCCESS }),
    shutdown: async () => undefined,
  };
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  const provider = new TracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor({ exporter })] });
  return opentelemetry(name, provider.getTracer("bench"));
}

function opentelemetry(name: string, tracer: ReturnType<typeof trace.getTracer>): System {
  return {
    name,
    span() {
      const one = tracer.startSpan(start.name, { kind: SpanKind.SERVER, attributes }, ROOT_CONTEXT);
      one.setAttribute("server.port", 50051);
      one.end();
    },
  };
}

const systems: readonly System[] = [
  ours("ring, new trace", ring(1), false),
  ours("ring, child", ring(1), true),
  ours("ring, new trace not sampled", ring(0), false),
  ours("ring, child not sampled", ring(0), true),
  ours("off", offTracer(systemPorts), true),
  sdk("OpenTelemetry SDK, new trace", 1),
  sdk("OpenTelemetry SDK, 1 % sampled", 0.01),
  opentelemetry("OpenTelemetry API without an SDK", trace.getTracer("bench")),
];

/** Nanoseconds per span in one round. */
async function round({ span }: System): Promise<number> {
  const began = performance.now();
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < spansPerTurn; i++) span();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return ((performance.now() - began) * 1e6) / (turns * spansPerTurn);
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
  for (const { name, ns, minNs } of rows) console.log(`${name.padEnd(34)} ${`${ns}`.padStart(6)} ns  (best ${minNs})`);
