import { systemPorts } from "@mortise/kernel";
import { type ProtocolStart, protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { testAuthority } from "@mortise/kernel/testing";
import { binaries } from "./hessian.fixture.ts";
import { hessianProtocol } from "./hessian.ts";
import { unaryOnly } from "./no-streams.fixture.ts";
import { hessianOptions } from "./options.ts";

/** Starts it with the default options but these. */
const make = (given: object) => () => ({
  subject: {
    serializer: binaries,
    start: ({ at, maxMessageBytes, log }: ProtocolStart) =>
      hessianProtocol({
        options: hessianOptions.parse({
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

protocolConformance({ name: "hessian", make: make({}), deviations: unaryOnly });

const authority = testAuthority();
const tls = { ...authority.issue("peer"), ca: authority.ca, mutual: true };

protocolConformance({ name: "hessian, with TLS", make: make({ tls }), deviations: unaryOnly });
