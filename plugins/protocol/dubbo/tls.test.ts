import { it } from "node:test";
import { tlsConformance } from "@mortise/kernel/spi/protocol.conformance";
import { checkSilentAreClosed } from "@mortise/kernel/spi/protocol-laws/tls";
import { start } from "./peers.fixture.ts";

const subject = {
  id: "protocol/dubbo",
  start: (given: object) => start({ connectTimeoutMs: 60_000, ...given }),
};

tlsConformance({ name: "dubbo", make: () => ({ subject }) });

it("protocol/dubbo with TLS closes those who have said nothing when it ends", () => checkSilentAreClosed(subject));
