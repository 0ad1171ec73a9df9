import { definePlugin, every, filter, live, telemetry } from "@mortise/kernel";
import { z } from "zod";
import { attachments } from "./attachments.ts";
import { counters } from "./counters.ts";
import { metricsFilter } from "./metrics-filter.ts";

const options = z.strictObject({
  places: z
    .array(z.enum(["call", "attempt", "provider"]))
    .default(["call", "provider"])
    .describe("Where calls are counted: once per logical call, once per attempt, around the handler."),
});

export const metrics = definePlugin({
  spi: filter,
  name: "metrics",
  description: "Counts calls, errors and durations per method",
  needs: { telemetry: live(every(telemetry)) },
  options,
  activate: { order: 200 },
  setup({ deps, options, ports }) {
    const source = counters();
    const attached = attachments(source);
    attached.attachTo(deps.telemetry.current.values());
    return {
      api: metricsFilter(options, source, ports.clock),
      follow: (next) => ({ flipped: () => attached.attachTo(next.telemetry.current.values()) }),
      stop: () => attached.attachTo([]),
    };
  },
});
