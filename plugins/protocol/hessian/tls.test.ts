import { it } from "node:test";
import { tlsConformance } from "@mortise/kernel/spi/protocol.conformance";
import { checkSilentAreClosed } from "@mortise/kernel/spi/protocol-laws/tls";
import { binaries, start } from "./hessian.fixture.ts";

const subject = {
  id: "protocol/hessian",
  serializer: binaries,
  start: (given: object) => start({ connectTimeoutMs: 60_000, ...given }),
};

tlsConformance({ name: "hessian", make: () => ({ subject }) });

it("protocol/hessian with TLS closes those who have said nothing when it ends", () => checkSilentAreClosed(subject));
