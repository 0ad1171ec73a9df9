import assert from "node:assert/strict";
import { connect } from "node:http2";
import { get } from "node:https";
import { describe, it } from "node:test";
import { type Protocol, systemPorts } from "@mortise/kernel";
import { callers, connectTo, echoExposure, failure } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { keptLog, silentLog, testAuthority } from "@mortise/kernel/testing";
import { restOptions } from "./options.ts";
import { json } from "./rest.fixture.ts";
import { restProtocol } from "./rest.ts";

const authority = testAuthority();
const stranger = testAuthority("Somebody else");
const server = authority.issue("server");
const caller = authority.issue("caller", ["caller.test"]);

function start(given: object): Protocol {
  const options = restOptions.parse({ advertise: "localhost", ...given });
  return restProtocol({ options, ports: systemPorts, log: silentLog });
}

/** What an echo gives when one protocol serves it and another calls. */
async function echo(
  serving: Protocol,
  calling: Protocol,
  check: (echo: () => Promise<unknown>, address: string) => Promise<unknown>,
) {
  const listener = await serving.listen(echoExposure(keptLog(), { serializers: [json] }));
  const connection = connectTo(calling, listener.address);
  try {
    await check(() => callers(connection, json).call("echo", emptyNote, { timeoutMs: 30_000 }), listener.address);
  } finally {
    await connection.close(0);
    await listener.close(0);
  }
}

const answers = async (call: () => Promise<unknown>) => void (await call());
const isRefused = (call: () => Promise<unknown>) => failure(call(), "UNAVAILABLE");

describe("protocol/rest with TLS", () => {
  const secured = { tls: { ...server, ca: authority.ca } };
  const mutual = { tls: { ...server, ca: authority.ca, mutual: true } };

  it("calls a server whose certificate the authority has signed, and no other", async () => {
    await echo(start(secured), start({ tls: { ca: authority.ca } }), answers);
    await echo(start({ tls: { ...stranger.issue("server") } }), start({ tls: { ca: authority.ca } }), isRefused);
    await echo(start({ tls: { ...caller, ca: authority.ca } }), start({ tls: { ca: authority.ca } }), isRefused);
  });

  it("takes the name from the options where the address has another", () =>
    echo(
      start({ tls: { ...caller, ca: authority.ca } }),
      start({ tls: { ca: authority.ca, serverName: "caller.test" } }),
      answers,
    ));

  it("does not answer plain callers, and plain servers not its own", async () => {
    await echo(start(secured), start({}), isRefused);
    await echo(start({}), start(secured), isRefused);
  });

  it("knows callers by their certificates when both sides must show one", async () => {
    await echo(start(mutual), start({ tls: { ...caller, ca: authority.ca, mutual: true } }), answers);
    await echo(start(mutual), start({ tls: { ca: authority.ca } }), isRefused);
  });

  it("speaks HTTP/1.1 and HTTP/2 on the same port, as the client wishes", () =>
    echo(start(secured), start(secured), async (_call, address) => {
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
    }));

  it("says what is missing to listen, and which file cannot be read", async () => {
    const calling = start({ tls: { ca: authority.ca } });
    await assert.rejects(calling.listen(echoExposure(silentLog)), /give the options tls\.cert and tls\.key/);
    assert.throws(() => start({ tls: { ca: "/no/ca.pem" } }), /protocol\/rest, option tls\.ca: the file \/no\/ca\.pem/);
  });
});
