import { definePlugin, filter } from "@mortise/kernel";
import { z } from "zod";
import { accessLogFilter, accessLogPolicy, fieldNames } from "./access-log-filter.ts";

const options = z.strictObject({
  at: z
    .enum(["provider", "call", "both"])
    .default("provider")
    .describe("Whose calls: those that come in, those that go out"),
  fields: z
    .array(z.enum(fieldNames))
    .default(["method", "code", "reason", "tookMs", "caller", "tenant", "trace"])
    .describe("What a line says, in this order"),
});

export const accessLog = definePlugin({
  spi: filter,
  name: "access-log",
  description: "Writes a line per call, without the contents of sensitive fields",
  options,
  policy: accessLogPolicy.schemas,
  setup: ({ options, ports, log }) => ({ api: accessLogFilter(options, log, ports) }),
});
