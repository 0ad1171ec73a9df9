import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { callContext, type Protocol, StatusError } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { failure } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, eventually, natsServer, onServer, pattern, startPlugin } from "@mortise/kernel/testing";
import { begin, calling, stopAll } from "./nats.fixture.ts";
import { nats } from "./nats.ts";

async function refusal(options: object): Promise<StatusError> {
  const error = await startPlugin<Protocol>(nats, { options: { startTimeoutMs: 300, ...options } }).then(
    () => assert.fail("it started"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StatusError, String(error));
  return error;
}

describe("protocol/nats without a server", () => {
  it("says where it looked and how to start one", async () => {
    const servers = `nats://127.0.0.1:${await freePort()}`;
    const { code, message } = await refusal({ servers });
    assert.equal(code, "UNAVAILABLE");
    assert.ok(message.includes(`no NATS server answers at ${servers} (CONNECTION_REFUSED, tried for 0.3 s)`), message);
  });

  it("refuses options that make no sense", async () => {
    for (const options of [{ prefix: "a.b" }, { servers: [] }, { inboxPrefix: "a.>" }, { serverz: "x" }])
      await assert.rejects(startPlugin<Protocol>(nats, { options }), { name: "TypeError" });
  });
});

await onServer(
  "protocol/nats on a server with a password",
  () => natsServer({ args: ["--user", "shop", "--pass", "s3cret"] }),
  ({ url }) => {
    it("is refused with a wrong one, at once and without showing it", async () => {
      const options = { servers: url, user: "shop", password: "wr0ng", startTimeoutMs: 60_000 };
      const { code, message } = await refusal(options);
      assert.equal(code, "UNAUTHENTICATED");
      assert.doesNotMatch(message, /wr0ng/);
    });

    it("works with the right one", async () => {
      const side = await begin(url, { user: "shop", password: "s3cret" });
      const { call, connection } = calling(side, side);
      await call("echo", emptyNote);
      await connection.close(0);
      await stopAll(side);
    });
  },
);

const dir = mkdtempSync(join(tmpdir(), "protocol-nats-"));
const config = join(dir, "nats.conf");
writeFileSync(config, "max_payload: 65536\n");

await onServer(
  "protocol/nats on a server that takes 64 KiB",
  () => natsServer({ jetStream: false, args: ["-c", config] }),
  ({ url }) => {
    after(() => rmSync(dir, { recursive: true, force: true }));

    it("cuts long messages in pieces and puts them together again", async () => {
      const side = await begin(url);
      const { call, stream, connection } = calling(side, side);
      const data = pattern(4 * 1024 * 1024);
      assert.deepEqual(await call("upload", { data }), { size: data.length });
      assert.ok(Buffer.from(data).equals((await call("bytes", { size: data.length })).data));
      const chat = stream(
        "chat",
        (async function* () {
          for (const size of [10, 300_000, 65_536, 65_400]) yield { ...emptyNote, data: pattern(size) };
        })(),
      );
      const sizes: number[] = [];
      for await (const note of chat) {
        assert.ok(Buffer.from(pattern(note.data.length)).equals(note.data));
        sizes.push(note.data.length);
      }
      assert.deepEqual(sizes, [10, 300_000, 65_536, 65_400]);
      await connection.close(0);
      await stopAll(side);
    });

    it("refuses headers that are longer than a message may be, before anything is sent", async () => {
      const side = await begin(url);
      const { invoke, call, connection } = calling(side, side);
      const context = callContext({ metadata: { "x-long": "x".repeat(65_536) } });
      const error = await failure(invoke(Echo.methods.echo, emptyNote, context), "RESOURCE_EXHAUSTED");
      assert.match(error.message, /max_payload 65536/);
      assert.equal(error.neverSent, true);
      await call("echo", emptyNote);
      await connection.close(0);
      await stopAll(side);
    });

    it("tells an error that is longer than a message may be as far as it fits", async () => {
      const side = await begin(url);
      const { call, connection } = calling(side, side);
      const request = {
        code: 5,
        message: "m".repeat(100_000),
        reason: "R",
        details: new Map([["k", "v"]]),
        bug: false,
      };
      const error = await failure(call("fail", request), "NOT_FOUND");
      assert.match(error.message, /^m{1000}…$/);
      await connection.close(0);
      await stopAll(side);
    });
  },
);

await onServer(
  "protocol/nats when something fails",
  () => natsServer({ ours: true }),
  (server) => {
    it("ends calls under way when the server is lost, refuses new ones, and goes on when it is back", async () => {
      const [one, two] = await Promise.all([begin(server.url), begin(server.url)]);
      const { call, stream, connection } = calling(one, two);
      const resting = failure(call("sleep", { ms: 60_000 }), "UNAVAILABLE");
      const reading = stream("count", { count: 1_000_000, failAfter: 0, padding: 10 });
      await reading.next();
      await eventually(() => two.events.begun === 2);
      await server.kill();
      assert.equal((await resting).neverSent, false);
      await assert.rejects(async () => {
        for await (const _ of reading);
      });
      const refused = await failure(call("echo", emptyNote), "UNAVAILABLE");
      assert.equal(refused.neverSent, true);
      await eventually(() => two.events.finished === 1);
      await server.restart();
      await eventually(() => call("echo", emptyNote), 60_000);
      await connection.close(0);
      await stopAll(one, two);
    });

    it("ends a call without a deadline soon after its server has gone", async () => {
      const [one, two] = await Promise.all([begin(server.url, { probeMs: 50 }), begin(server.url)]);
      const { call, connection } = calling(one, two);
      const resting = failure(call("sleep", { ms: 60_000 }), "UNAVAILABLE");
      await eventually(() => two.events.begun === 1);
      await two.crash();
      const error = await resting;
      assert.match(error.message, /has gone away during the call/);
      assert.equal(error.neverSent, false);
      await connection.close(0);
      await two.listener.close(0);
      await stopAll(one);
    });

    it("cancels the handlers of a client that has gone", async () => {
      const [one, two] = await Promise.all([begin(server.url), begin(server.url, { probeMs: 50 })]);
      const { call, stream, connection } = calling(one, two);
      call("sleep", { ms: 60_000 }).catch(() => undefined);
      await stream("count", { count: 1_000_000, failAfter: 0, padding: 10 }).next();
      await one.crash();
      await eventually(() => two.events.finished === 1 && two.events.cancelled.length === 2);
      await one.listener.close(0);
      await connection.close(0);
      await stopAll(two);
    });
  },
);
