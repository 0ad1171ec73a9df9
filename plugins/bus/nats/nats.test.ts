import type { Bus } from "@mortise/kernel";
import { busConformance } from "@mortise/kernel/spi/bus.conformance";
import { natsServer, onServer, startPlugin } from "@mortise/kernel/testing";
import { nats } from "./nats.ts";

await onServer("bus/nats", natsServer, (server) => {
  busConformance({
    name: "nats",
    make: async () => {
      const { api, stop } = await startPlugin<Bus>(nats, { options: { servers: server.url } });
      return { subject: api, ...(stop && { end: stop }) };
    },
    deviations: [
      {
        law: "does not hold up other keys while a message of one waits for its next attempt",
        reason: "keys of one partition share a lane, which is what keeps their order across processes",
      },
    ],
  });
});
