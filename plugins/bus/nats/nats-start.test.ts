import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Bus, StatusError } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { eventually, natsServer, onServer, startPlugin, testAuthority } from "@mortise/kernel/testing";
import { connect } from "nats";
import { nats } from "./nats.ts";

async function refusal(options: object): Promise<{ readonly code: string; readonly message: string }> {
  const error = await startPlugin<Bus>(nats, { options: { startTimeoutMs: 60_000, ...options } }).then(
    () => assert.fail("it started"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StatusError, String(error));
  return error;
}

/** Publishes one message and gets it back. */
async function works(options: object): Promise<void> {
  const { api, stop } = await startPlugin<Bus>(nats, { options });
  try {
    const seen: string[] = [];
    await api.subscribe("works", "g", async ({ id }) => void seen.push(id));
    await api.publish("works", { id: "m", body: new Uint8Array(), headers: {} });
    await eventually(() => seen.length === 1);
  } finally {
    await stop?.();
  }
}

const dir = mkdtempSync(join(tmpdir(), "bus-nats-"));
chmodSync(dir, 0o755);

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

describe("bus/nats without a server", () => {
  it("says where it looked and how to start one", async () => {
    const servers = `nats://127.0.0.1:${await freePort()}`;
    const began = performance.now();
    const { code, message } = await refusal({ servers, startTimeoutMs: 300 });
    assert.equal(code, "UNAVAILABLE");
    assert.ok(message.includes(`no NATS server answers at ${servers} (CONNECTION_REFUSED, tried for 0.3 s)`), message);
    assert.match(message, /start one with `nats-server -js`, or correct servers$/);
    assert.ok(performance.now() - began < 20_000);
  });

  it("says so when the host has no address", async () => {
    const { code, message } = await refusal({ servers: "no-such-host.invalid", startTimeoutMs: 300 });
    assert.equal(code, "UNAVAILABLE");
    assert.match(message, /no-such-host\.invalid \((ENOTFOUND|EAI_AGAIN|CONNECTION_TIMEOUT|TIMEOUT),/);
  });

  it("gives up on something that listens and says nothing", async () => {
    const open = new Set<Socket>();
    const mute = createServer((socket) => open.add(socket));
    const port = await freePort();
    await new Promise<void>((resolve) => mute.listen(port, "127.0.0.1", resolve));
    const { code, message } = await refusal({ servers: `127.0.0.1:${port}`, startTimeoutMs: 300 });
    mute.close();
    for (const socket of open) socket.destroy();
    assert.equal(code, "UNAVAILABLE");
    assert.match(message, /no NATS server answers/);
  });

  it("gives up when the kernel does", async () => {
    const servers = `127.0.0.1:${await freePort()}`;
    const signal = AbortSignal.timeout(100);
    await assert.rejects(startPlugin<Bus>(nats, { options: { servers }, signal }), { name: "TimeoutError" });
  });

  for (const [what, options, message] of [
    ["an unknown option", { serverz: "x" }, /serverz/],
    ["a prefix with dots", { prefix: "a.b" }, /prefix: may hold only letters, digits and _/],
    ["no servers", { servers: [] }, /servers/],
    ["an acknowledgement wait that is too short", { ackWaitMs: 5 }, /ackWaitMs/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(startPlugin<Bus>(nats, { options }), { name: "TypeError", message });
    });
  }
});

await onServer(
  "bus/nats on a server without JetStream",
  () => natsServer({ jetStream: false }),
  ({ url }) => {
    it("says how to switch it on", async () => {
      const { code, message } = await refusal({ servers: url });
      assert.equal(code, "FAILED_PRECONDITION");
      assert.match(message, /has JetStream not enabled; start it with `nats-server -js`/);
    });
  },
);

await onServer(
  "bus/nats on a server with a password",
  () => natsServer({ args: ["--user", "shop", "--pass", "s3cret"] }),
  ({ url }) => {
    it("works with the right one", () => works({ servers: url, user: "shop", password: "s3cret" }));

    for (const [what, login] of [
      ["a wrong one", { user: "shop", password: "wr0ng" }],
      ["none", {}],
    ] as const) {
      it(`is refused with ${what}, at once and without showing it`, async () => {
        const { code, message } = await refusal({ servers: url, ...login, startTimeoutMs: 60_000 });
        assert.equal(code, "UNAUTHENTICATED");
        assert.match(message, /does not let us in .*; correct user, password, token or credentialsFile/);
        assert.doesNotMatch(message, /wr0ng/);
      });
    }
  },
);

await onServer(
  "bus/nats on a server with a token",
  () => natsServer({ args: ["--auth", "t0ken"] }),
  ({ url }) => {
    it("works with it", () => works({ servers: url, token: "t0ken" }));
  },
);

const authority = testAuthority();
const server = authority.issue("nats", ["localhost"]);
const client = authority.issue("shop");
const caFile = file("ca.pem", authority.ca);
const [certFile, keyFile] = [file("client.pem", client.cert), file("client.key", client.key)];
const tlsArgs = [
  "--tls",
  ...["--tlscert", file("server.pem", server.cert), "--tlskey", file("server.key", server.key)],
  ...["--tlsverify", "--tlscacert", caFile],
];

await onServer(
  "bus/nats on a server with mutual TLS",
  () => natsServer({ args: tlsArgs }),
  ({ port }) => {
    after(() => rmSync(dir, { recursive: true, force: true }));
    const servers = `localhost:${port}`;

    it("works with the authority's certificate and one of its own", () =>
      works({ servers, tls: { caFile, certFile, keyFile } }));

    it("does not trust a server of an unknown authority", async () => {
      const { code, message } = await refusal({ servers, tls: {}, startTimeoutMs: 60_000 });
      assert.equal(code, "FAILED_PRECONDITION");
      assert.match(message, /no secure connection to NATS localhost:\d+: .*; correct tls/);
    });

    it("hints at the certificate the server may miss", async () => {
      const { code, message } = await refusal({ servers, tls: { caFile }, startTimeoutMs: 2000 });
      assert.equal(code, "UNAVAILABLE");
      assert.match(message, /if it asks for a certificate, set tls\.certFile and tls\.keyFile$/);
    });

    it("says which file is missing", async () => {
      const { code, message } = await refusal({ servers, tls: { caFile: "/no/such.pem" } });
      assert.equal(code, "FAILED_PRECONDITION");
      assert.match(message, /\/no\/such\.pem/);
    });
  },
);

await onServer("bus/nats beside others on a server", natsServer, ({ url }) => {
  it("refuses a stream of the same name that is not its own", async () => {
    const prefix = `p${process.pid}`;
    const other = await connect({ servers: url });
    const manager = await other.jetstreamManager();
    await manager.streams.add({ name: `${prefix}-taken`, subjects: [`${prefix}.event.taken.*`] });
    const { api, stop } = await startPlugin<Bus>(nats, { options: { servers: url, prefix } });
    await assert.rejects(api.publish("taken", { id: "m", body: new Uint8Array(), headers: {} }), {
      code: "FAILED_PRECONDITION",
      message: /stream p\d+-taken was not made by bus\/nats; remove it, or choose another prefix/,
    });
    await stop?.();
    await other.close();
  });

  it("follows the partitions a topic was made with", async () => {
    const prefix = `q${process.pid}`;
    const [few, many] = await Promise.all(
      [2, 64].map((partitions) => startPlugin<Bus>(nats, { options: { servers: url, prefix, partitions } })),
    );
    const seen: string[] = [];
    await few?.api.subscribe("t", "g", async ({ id }) => void seen.push(id));
    for (let i = 0; i < 20; i++) {
      await many?.api.publish("t", { id: `m${i}`, key: `k${i}`, body: new Uint8Array(), headers: {} });
    }
    await eventually(() => seen.length === 20);
    await Promise.all([few?.stop?.(), many?.stop?.()]);
  });

  it("refuses a message that is larger than the server takes", async () => {
    const { api, stop } = await startPlugin<Bus>(nats, { options: { servers: url } });
    await assert.rejects(api.publish("big", { id: "m", body: new Uint8Array(1 << 21), headers: {} }), {
      code: "RESOURCE_EXHAUSTED",
      retryable: false,
      message: /publishing to big: the message is larger than the NATS server takes/,
    });
    await stop?.();
  });
});
