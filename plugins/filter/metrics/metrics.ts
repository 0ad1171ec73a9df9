import {
  definePlugin,
  every,
  filter,
  live,
  optional,
  type Telemetry,
  type TransactionNumbers,
  telemetry,
  transactions,
} from "@mortise/kernel";
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

const noTransactions: TransactionNumbers = { driven: [], open: [], prepared: [], batches: [] };

export const metrics = definePlugin({
  spi: filter,
  name: "metrics",
  description: "Counts calls, errors and durations per method, and tells of transactions",
  needs: { telemetry: live(every(telemetry)), transactions: live(optional(transactions)) },
  options,
  activate: { order: 200 },
  setup({ deps, options, ports }) {
    const source = counters();
    const numbers = { read: () => deps.transactions.current?.numbers.read() ?? noTransactions };
    const sources = [
      attachments((receiver) => receiver.metrics?.(source)),
      attachments((receiver) => receiver.transactions?.(numbers)),
    ];
    const attachTo = (receivers: readonly Telemetry[]) => {
      for (const attached of sources) attached.attachTo(receivers);
    };
    attachTo([...deps.telemetry.current.values()]);
    return {
      api: metricsFilter(options, source, ports.clock),
      follow: (next) => ({ flipped: () => attachTo([...next.telemetry.current.values()]) }),
      stop: () => attachTo([]),
    };
  },
});
