import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import type { Protocol } from "@mortise/kernel";
import { callers, connectTo, echoExposure, failure } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { eventually, keptLog, silentLog, testAuthority } from "@mortise/kernel/testing";
import { start } from "./peers.fixture.ts";

const authority = testAuthority();
const stranger = testAuthority("Somebody else");
const server = authority.issue("server");
const caller = authority.issue("caller", ["caller.test"]);
const named = (given: object) => start({ advertise: "localhost", connectTimeoutMs: 60_000, ...given });

/** What an echo gives when one protocol serves it and another calls. */
async function echo(
  serving: Protocol,
  calling: Protocol,
  check: (echo: () => Promise<unknown>, address: string) => Promise<unknown>,
) {
  const listener = await serving.listen(echoExposure(keptLog()));
  const connection = connectTo(calling, listener.address);
  try {
    await check(() => callers(connection).call("echo", emptyNote, { timeoutMs: 60_000 }), listener.address);
  } finally {
    await connection.close(0);
    await listener.close(0);
  }
}

const answers = async (call: () => Promise<unknown>) => void (await call());
const isRefused = (call: () => Promise<unknown>) => failure(call(), "UNAVAILABLE");

describe("protocol/dubbo with TLS", () => {
  const secured = { tls: { ...server, ca: authority.ca } };
  const mutual = { tls: { ...server, ca: authority.ca, mutual: true } };

  it("calls a server whose certificate the authority has signed, by name and by address, and no other", async () => {
    await echo(named(secured), named({ tls: { ca: authority.ca } }), answers);
    await echo(named({ ...secured, advertise: "127.0.0.1" }), named({ tls: { ca: authority.ca } }), answers);
    await echo(named({ tls: stranger.issue("server") }), named({ tls: { ca: authority.ca } }), isRefused);
    await echo(named({ tls: { ...caller, ca: authority.ca } }), named({ tls: { ca: authority.ca } }), isRefused);
  });

  it("takes the name from the options where the address has another", () =>
    echo(
      named({ tls: { ...caller, ca: authority.ca } }),
      named({ tls: { ca: authority.ca, serverName: "caller.test" } }),
      answers,
    ));

  it("does not answer plain callers, and plain servers not its own", async () => {
    await echo(named(secured), named({}), isRefused);
    await echo(named({}), named(secured), isRefused);
  });

  it("knows callers by their certificates when both sides must show one", async () => {
    await echo(named(mutual), named({ tls: { ...caller, ca: authority.ca, mutual: true } }), answers);
    await echo(named(mutual), named({ tls: { ca: authority.ca } }), isRefused);
    const unknown = { ...stranger.issue("caller"), ca: authority.ca, mutual: true };
    await echo(named(mutual), named({ tls: unknown }), isRefused);
  });

  it("goes on serving others, and ends in time, while somebody connects and says nothing", () =>
    echo(named(mutual), named(mutual), async (call, address) => {
      const silent = connect(Number(address.split(":").at(-1)), "localhost");
      let ended = false;
      silent.on("close", () => (ended = true));
      silent.on("error", () => undefined);
      await eventually(() => !silent.connecting);
      await call();
      assert.equal(ended, false);
    }));

  it("says what is missing to listen, and which file cannot be read", async () => {
    const calling = named({ tls: { ca: authority.ca } });
    await assert.rejects(
      calling.listen(echoExposure(silentLog)),
      /protocol\/dubbo cannot listen with TLS: give the options tls\.cert and tls\.key/,
    );
    assert.throws(
      () => named({ tls: { ca: "/no/ca.pem" } }),
      /protocol\/dubbo, option tls\.ca: the file \/no\/ca\.pem/,
    );
  });
});
