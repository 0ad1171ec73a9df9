import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { testAuthority } from "@mortise/kernel/testing";
import { dubboProtocol } from "./dubbo.ts";
import { noStreams } from "./no-streams.fixture.ts";
import { options } from "./options.ts";

protocolConformance({
  name: "dubbo",
  make: () => ({
    subject: {
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

const authority = testAuthority();
const tls = { ...authority.issue("peer"), ca: authority.ca, mutual: true };

protocolConformance({
  name: "dubbo, with TLS",
  make: () => ({
    subject: {
      start: ({ at, maxMessageBytes, log }) =>
        dubboProtocol({
          options: options.parse({
            port: Number(at?.split(":").at(-1) ?? 0),
            maxMessageBytes,
            connectTimeoutMs: 60_000,
            tls,
          }),
          ports: systemPorts,
          log,
        }),
    },
  }),
  deviations: noStreams,
});
