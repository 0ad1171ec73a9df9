import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";

protocolConformance({
  name: "grpc",
  make: () => ({
    subject: {
      start: ({ at, maxMessageBytes, log }) =>
        grpcProtocol({
          options: options.parse({ port: Number(at?.split(":").at(-1) ?? 0), maxMessageBytes }),
          ports: systemPorts,
          log,
        }),
    },
  }),
});
