import { systemPorts } from "@mortise/kernel";
import { type ProtocolStart, protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { testAuthority } from "@mortise/kernel/testing";
import { dubboProtocol } from "./dubbo.ts";
import { noStreams } from "./no-streams.fixture.ts";
import { options } from "./options.ts";

/** Starts it with the default options but these. */
const make = (given: object) => () => ({
  subject: {
    start: ({ at, maxMessageBytes, log }: ProtocolStart) =>
      dubboProtocol({
        options: options.parse({
          port: Number(at?.split(":").at(-1) ?? 0),
          maxMessageBytes,
          connectTimeoutMs: 60_000,
          ...given,
        }),
        ports: systemPorts,
        log,
      }),
  },
});

protocolConformance({ name: "dubbo", make: make({}), deviations: noStreams });

const authority = testAuthority();
const tls = { ...authority.issue("peer"), ca: authority.ca, mutual: true };

protocolConformance({ name: "dubbo, with TLS", make: make({ tls }), deviations: noStreams });
