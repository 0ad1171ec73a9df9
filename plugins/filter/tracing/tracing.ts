import {
  definePlugin,
  every,
  filter,
  live,
  type Telemetry,
  type TraceBridge,
  telemetry,
  tracer,
} from "@mortise/kernel";
import { tracingFilter } from "./tracing-filter.ts";

export const tracing = definePlugin({
  spi: filter,
  name: "tracing",
  description: "Makes spans of calls, attempts and handled requests and events",
  needs: { tracer: live(tracer), telemetry: live(every(telemetry)) },
  activate: { order: 100 },
  setup: ({ deps, ports }) => ({
    api: tracingFilter({
      tracer: () => deps.tracer.current,
      bridge: () => bridgeOf(deps.telemetry.current.values()),
      clock: ports.clock,
    }),
  }),
});

function bridgeOf(all: Iterable<Telemetry>): TraceBridge | undefined {
  for (const { bridge } of all) if (bridge) return bridge;
  return undefined;
}
