// The laws of protocols that concern calls without streams, over dubbo with every serializer it carries beside protobuf.
import { type Serializer, systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { dubboProtocol } from "@mortise/plugins/protocol/dubbo/dubbo";
import { noStreams } from "@mortise/plugins/protocol/dubbo/no-streams.fixture";
import { options } from "@mortise/plugins/protocol/dubbo/options";
import { hessian2Serializer } from "@mortise/plugins/serializer/hessian2/hessian2";
import { jsonSerializer } from "@mortise/plugins/serializer/json/json";
import { msgpackSerializer } from "@mortise/plugins/serializer/msgpack/msgpack";

const serializers: Readonly<Record<string, Serializer>> = {
  hessian2: hessian2Serializer(),
  json: jsonSerializer({ emitDefaults: false, ignoreUnknown: true }),
  msgpack: msgpackSerializer,
};

for (const [name, serializer] of Object.entries(serializers)) {
  protocolConformance({
    name: `dubbo with ${name}`,
    make: () => ({
      subject: {
        serializer,
        start: ({ at, maxMessageBytes, log }) =>
          dubboProtocol({
            options: options.parse({
              port: Number(at?.split(":").at(-1) ?? 0),
              maxMessageBytes,
              connectTimeoutMs: 60_000,
            }),
            ports: systemPorts,
            log,
          }),
      },
    }),
    deviations: noStreams,
  });
}
