import { definePlugin, telemetry } from "@mortise/kernel";
import { z } from "zod";

const options = z.strictObject({
  endpoint: z
    .union([z.literal(""), z.url({ protocol: /^https?$/ })])
    .default("")
    .describe(
      "Where OTLP over HTTP is taken, without /v1/traces, for example http://localhost:4318; empty: nothing is sent.",
    ),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe("Headers that go with every request, for access keys."),
  service: z
    .string()
    .min(1)
    .default("mortise")
    .describe("service.name of metrics, and of spans that belong to no request."),
  resource: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe("Attributes of everything that is sent, for example deployment.environment.name."),
  metrics: z.boolean().default(true).describe("Whether metrics are sent too."),
  metricsIntervalMs: z.int().min(100).default(15_000).describe("How often metrics are sent, in milliseconds."),
  delayMs: z.int().min(1).default(1000).describe("How long a span waits for others to be sent with, in milliseconds."),
  queueSize: z.int().min(512).default(8192).describe("Spans that can wait to be sent; then new ones are lost."),
  timeoutMs: z.int().min(1).default(3000).describe("How long sending may take, retries included, in milliseconds."),
});

export type OtelOptions = z.output<typeof options>;

export const otel = definePlugin({
  spi: telemetry,
  name: "otel",
  description: "Sends spans and metrics by OTLP, and joins spans of the OpenTelemetry API with ours",
  options,
  // The OpenTelemetry API has one global provider, so two of them cannot be in use at a time.
  exclusive: ({ endpoint }) => endpoint !== "",
  async setup({ options, ports, log }) {
    if (options.endpoint === "") return { api: {} };
    const { startExport } = await import("./export.ts"); // nothing of OpenTelemetry is loaded where it is off
    return startExport(options, ports, log);
  },
});
