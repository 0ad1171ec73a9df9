import { definePlugin, filter } from "@mortise/kernel";
import { eventLoopLoad } from "@mortise/kernel/spi/event-loop-load";
import { loadReportFilter } from "./load-report-filter.ts";

export const loadReport = definePlugin({
  spi: filter,
  name: "load-report",
  description: "Tells callers that ask how busy this process is",
  activate: { order: 150 },
  setup({ ports }) {
    const gauge = eventLoopLoad(ports);
    return { api: loadReportFilter(ports.clock, gauge), stop: gauge.stop };
  },
});
