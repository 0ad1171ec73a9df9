import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Protocol, systemPorts } from "@mortise/kernel";
import { callers, connectTo, echoExposure, failure } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { keptLog, silentLog, testAuthority } from "@mortise/kernel/testing";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";

const authority = testAuthority();
const stranger = testAuthority("Somebody else");
const server = authority.issue("server");
const caller = authority.issue("caller", ["caller.test"]);

function start(given: object): Protocol {
  const all = options.parse({ advertise: "localhost", ...given });
  return grpcProtocol({ options: all, ports: systemPorts, log: silentLog });
}

/** What an echo gives when one protocol serves it and another calls. */
async function echo(serving: Protocol, calling: Protocol, check: (echo: () => Promise<unknown>) => Promise<unknown>) {
  const listener = await serving.listen(echoExposure(keptLog()));
  const connection = connectTo(calling, listener.address);
  try {
    await check(() => callers(connection).call("echo", emptyNote, { timeoutMs: 30_000 }));
  } finally {
    await connection.close(0);
    await listener.close(0);
  }
}

const answers = async (call: () => Promise<unknown>) => void (await call());
const isRefused = (call: () => Promise<unknown>) => failure(call(), "UNAVAILABLE");

describe("protocol/grpc with TLS", () => {
  const secured = { tls: { ...server, ca: authority.ca } };
  const mutual = { tls: { ...server, ca: authority.ca, mutual: true } };

  it("calls a server whose certificate the authority has signed", () =>
    echo(start(secured), start({ tls: { ca: authority.ca } }), answers));

  it("does not call a server that shows another authority's certificate", () =>
    echo(start({ tls: { ...stranger.issue("server") } }), start({ tls: { ca: authority.ca } }), isRefused));

  it("does not call a server under a name its certificate does not carry", () =>
    echo(start({ tls: { ...caller, ca: authority.ca } }), start({ tls: { ca: authority.ca } }), isRefused));

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
    const unknown = { ...stranger.issue("caller"), ca: authority.ca, mutual: true };
    await echo(start(mutual), start({ tls: unknown }), isRefused);
  });

  it("reads certificates from files", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mortise-tls-"));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const tls = { cert: file("c", server.cert), key: file("k", server.key), ca: file("a", authority.ca) };
    await echo(start({ tls }), start({ tls: { ca: tls.ca } }), answers);
    rmSync(folder, { recursive: true });
  });
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

  it("says what is missing to listen", async () => {
    const calling = start({ tls: { ca: authority.ca } });
    await assert.rejects(calling.listen(echoExposure(silentLog)), /give the options tls\.cert and tls\.key/);
  });

  it("wants certificate and key together, and an authority to know callers by", () => {
    const problems = (tls: object) => options.safeParse({ tls }).error?.issues.map(({ message }) => message);
    assert.deepEqual(problems({ cert: server.cert }), ["`cert` and `key` go together: give both or neither"]);
    assert.deepEqual(problems({ ...server, mutual: true }), ["`mutual` needs `cert`, `key` and `ca`"]);
  });
});
