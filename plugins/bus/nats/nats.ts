import { bus, definePlugin } from "@mortise/kernel";
import { connectNats } from "./connect.ts";
import { natsBus } from "./nats-bus.ts";
import { natsOptions } from "./options.ts";

/** Events over NATS JetStream: they outlive processes and reach all of them. */
export const nats = definePlugin({
  spi: bus,
  name: "nats",
  description: "Events over NATS JetStream: at least once, across processes and restarts",
  options: natsOptions,
  setup: async ({ options, ports, log, signal }) => {
    const connection = await connectNats(options, ports, signal);
    return natsBus(connection, options, ports, log);
  },
});
