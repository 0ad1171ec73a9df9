// The laws of protocols over hessian with the serializer that Java understands.
import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { hessianProtocol } from "@mortise/plugins/protocol/hessian/hessian";
import { unaryOnly } from "@mortise/plugins/protocol/hessian/no-streams.fixture";
import { hessianOptions } from "@mortise/plugins/protocol/hessian/options";
import { hessian2Serializer } from "@mortise/plugins/serializer/hessian2/hessian2";

const serializer = hessian2Serializer();

protocolConformance({
  name: "hessian with hessian2",
  make: () => ({
    subject: {
      serializer,
      start: ({ at, maxMessageBytes, log }) =>
        hessianProtocol({
          options: hessianOptions.parse({
            port: Number(at?.split(":").at(-1) ?? 0),
            maxMessageBytes,
            connectTimeoutMs: 60_000,
          }),
          ports: systemPorts,
          log,
        }),
    },
  }),
  deviations: unaryOnly,
});
