import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { testAuthority } from "@mortise/kernel/testing";
import { binaries } from "./hessian.fixture.ts";
import { hessianProtocol } from "./hessian.ts";
import { unaryOnly } from "./no-streams.fixture.ts";
import { hessianOptions } from "./options.ts";

protocolConformance({
  name: "hessian",
  make: () => ({
    subject: {
      serializer: binaries,
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

const authority = testAuthority();
const tls = { ...authority.issue("peer"), ca: authority.ca, mutual: true };

protocolConformance({
  name: "hessian, with TLS",
  make: () => ({
    subject: {
      serializer: binaries,
      start: ({ at, maxMessageBytes, log }) =>
        hessianProtocol({
          options: hessianOptions.parse({
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
  deviations: unaryOnly,
});
