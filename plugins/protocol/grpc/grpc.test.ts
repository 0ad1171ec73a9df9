import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";

/** Read with what `docs/deno.md` says of it. */
const onDeno = [
  {
    law: "lets a stream in flight finish when the listener closes",
    reason: "Deno closes a connection that is going away with its last stream, whether the stream was read or not",
  },
];

protocolConformance({
  name: "grpc",
  make: () => ({
    subject: {
      start: ({ at, maxMessageBytes, log }) =>
        grpcProtocol({
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
  deviations: "Deno" in globalThis ? onDeno : [],
});
