import assert from "node:assert/strict";
import { connect } from "node:http2";
import { get } from "node:https";
import { describe, it } from "node:test";
import { type Protocol, systemPorts } from "@mortise/kernel";
import { tlsConformance } from "@mortise/kernel/spi/protocol.conformance";
import { checkSilentAreClosed } from "@mortise/kernel/spi/protocol-laws/tls";
import { echoExposure } from "@mortise/kernel/spi/protocol-laws/world";
import { keptLog, silentLog, testAuthority } from "@mortise/kernel/testing";
import { restOptions } from "./options.ts";
import { json } from "./rest.fixture.ts";
import { restProtocol } from "./rest.ts";

function start(given: object): Protocol {
  const options = restOptions.parse({ connectTimeoutMs: 60_000, ...given });
  return restProtocol({ options, ports: systemPorts, log: silentLog });
}

const subject = { id: "protocol/rest", serializer: json, start };

tlsConformance({ name: "rest", make: () => ({ subject }) });

describe("protocol/rest with TLS", () => {
  const authority = testAuthority();

  it("speaks HTTP/1.1 and HTTP/2 on the same port, as the client wishes", async () => {
    const tls = authority.issue("server");
    const listener = await start({ advertise: "localhost", tls }).listen(
      echoExposure(keptLog(), { serializers: [json] }),
    );
    const { address } = listener;
    const status = await new Promise((resolve, reject) => {
      const request = get(`https://${address}/openapi.json`, { ca: authority.ca, agent: false }, (response) => {
        response.resume();
        resolve([response.httpVersion, response.statusCode]);
      });
      request.on("error", reject);
    });
    assert.deepEqual(status, ["1.1", 200]);
    const session = connect(`https://${address}`, { ca: authority.ca });
    await new Promise((resolve) => session.on("connect", resolve));
    assert.equal(session.alpnProtocol, "h2");
    session.close();
    await listener.close(0);
  });

  it("closes those who have said nothing when it ends", () => checkSilentAreClosed(subject));
});
