import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { natsServer, onServer } from "@mortise/kernel/testing";
import { natsProtocol } from "./nats.ts";
import { natsOptions } from "./options.ts";

await onServer("protocol/nats", natsServer, ({ url }) => {
  protocolConformance({
    name: "nats",
    make: () => {
      const stops: (() => Promise<void>)[] = [];
      return {
        subject: {
          start: async ({ at, maxMessageBytes, log }) => {
            const options = natsOptions.parse({ servers: url, maxMessageBytes });
            const { api, stop } = await natsProtocol({ options, ports: systemPorts, log, address: at });
            stops.push(stop);
            return api;
          },
        },
        end: async () => void (await Promise.all(stops.map((stop) => stop()))),
      };
    },
  });
});
