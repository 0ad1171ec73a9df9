import { definePlugin, every, live, telemetry, tracer } from "@mortise/kernel";
import { z } from "zod";
import { ringTracer } from "./ring-tracer.ts";

const options = z.strictObject({
  ratio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("The part of new traces that is recorded; a trace that came from elsewhere keeps its decision."),
  capacity: z
    .int()
    .min(512)
    .max(2 ** 20)
    .default(16_384)
    .describe("Finished spans that can wait to be handed over; then the oldest are lost."),
  drainMs: z.int().min(1).max(60_000).default(200).describe("How long a finished span waits at most, in milliseconds."),
});

export const ring = definePlugin({
  spi: tracer,
  name: "ring",
  description: "Records spans in a ring and hands them to telemetry in batches",
  needs: { telemetry: live(every(telemetry)) },
  options,
  setup: ({ deps, options, ports, log }) => ringTracer(options, ports, () => deps.telemetry.current.values(), log),
});
