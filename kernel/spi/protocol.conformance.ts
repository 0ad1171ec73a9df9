import { conformance } from "../testing/conformance.ts";
import { callLaws } from "./protocol-laws/calls.ts";
import { errorLaws } from "./protocol-laws/errors.ts";
import { flowLaws } from "./protocol-laws/flow.ts";
import { headerLaws } from "./protocol-laws/headers.ts";
import { lifeLaws } from "./protocol-laws/life.ts";
import { timeLaws } from "./protocol-laws/time.ts";
import { type SecureSubject, tlsLaws } from "./protocol-laws/tls.ts";
import type { ProtocolSubject } from "./protocol-laws/world.ts";

export type { ProtocolStart, ProtocolSubject } from "./protocol-laws/world.ts";

/** What every protocol keeps to. Run it with `make: () => ({ subject: { start: (start) => myProtocol(…) } })`. */
export const protocolConformance = conformance<ProtocolSubject>("protocol", [
  ...callLaws,
  ...errorLaws,
  ...timeLaws,
  ...headerLaws,
  ...flowLaws,
  ...lifeLaws,
]);

/** What every protocol keeps to that can speak TLS. */
export const tlsConformance = conformance<SecureSubject>("protocol with TLS", tlsLaws);
