import { type Protocol, type Serializer, systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { natsServer, onServer, startPlugin } from "@mortise/kernel/testing";
import { natsProtocol } from "@mortise/plugins/protocol/nats/nats";
import { natsOptions } from "@mortise/plugins/protocol/nats/options";
import { installedOf } from "./installed.fixture.ts";

const serializers = [...(await installedOf("serializer")).values()];
const made = await Promise.all(serializers.map((plugin) => startPlugin<Serializer>(plugin)));

await onServer("protocol/nats keeps its laws with every serializer", natsServer, ({ url }) => {
  for (const [i, { name }] of serializers.entries()) {
    protocolConformance({
      name: `nats with ${name}`,
      make: () => {
        const stops: (() => Promise<void>)[] = [];
        return {
          subject: {
            serializer: made[i]?.api as Serializer,
            start: async ({ at, maxMessageBytes, log }): Promise<Protocol> => {
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
  }
});
