import { definePlugin, type Telemetry, telemetry } from "@mortise/kernel";
import { z } from "zod";
import { spanWindow } from "./span-window.ts";

const options = z.strictObject({
  maxSpans: z.int().min(1).default(20_000).describe("Spans that are kept; the oldest go first."),
  maxSpansPerTrace: z.int().min(1).default(1000).describe("Spans of one trace that are shown, the earliest first."),
});

export type MemoryTelemetryOptions = z.output<typeof options>;

/** Keeps the newest spans in memory and shows the traces they belong to. */
export function memoryTelemetry({ maxSpans, maxSpansPerTrace }: MemoryTelemetryOptions): Telemetry {
  const window = spanWindow(maxSpans, maxSpansPerTrace);
  return { spans: (batch) => window.add(batch), trace: (traceId) => window.trace(traceId) };
}

export const memory = definePlugin({
  spi: telemetry,
  name: "memory",
  description: "Keeps recent traces in memory",
  options,
  setup: ({ options }) => ({ api: memoryTelemetry(options) }),
});
