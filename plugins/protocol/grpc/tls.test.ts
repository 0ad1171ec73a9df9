import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Protocol, systemPorts } from "@mortise/kernel";
import { tlsConformance } from "@mortise/kernel/spi/protocol.conformance";
import { silentLog, testAuthority } from "@mortise/kernel/testing";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";

const authority = testAuthority();
const server = authority.issue("server");
const caller = authority.issue("caller", ["caller.test"]);

function start(given: object): Protocol {
  const all = options.parse({ connectTimeoutMs: 60_000, ...given });
  return grpcProtocol({ options: all, ports: systemPorts, log: silentLog });
}

/** Read with what `docs/deno.md` says of it. */
const onDeno = [
  {
    law: "calls a server by address whose certificate the authority has signed",
    reason: "Deno does not check certificates against addresses",
  },
];

tlsConformance({
  name: "grpc",
  make: () => ({ subject: { id: "protocol/grpc", start } }),
  deviations: "Deno" in globalThis ? onDeno : [],
});

describe("protocol/grpc, given certificates it cannot use,", () => {
  it("names the option and the file that is not there", () => {
    assert.throws(
      () => start({ tls: { cert: "/nowhere/server.pem", key: server.key } }),
      /tls\.cert: the file \/nowhere\/server\.pem cannot be read \(ENOENT\)/,
    );
  });

  it("says that key and certificate do not belong together", () => {
    assert.throws(
      () => start({ tls: { cert: server.cert, key: caller.key } }),
      /tls\.cert and tls\.key do not belong together/,
    );
  });

  it("says that a PEM text is none", () => {
    const broken = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
    assert.throws(
      () => start({ tls: { cert: broken, key: server.key } }),
      /option tls\.cert: this is no PEM that can be used/,
    );
  });

  it("wants certificate and key together, and an authority to know callers by", () => {
    const problems = (tls: object) => options.safeParse({ tls }).error?.issues.map(({ message }) => message);
    assert.deepEqual(problems({ cert: server.cert }), ["`cert` and `key` go together: give both or neither"]);
    assert.deepEqual(problems({ ...server, mutual: true }), ["`mutual` needs `cert`, `key` and `ca`"]);
  });
});
