import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type StatusError, systemPorts } from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { callers, connectTo, echoExposure, failure, inWorld } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, echoEvents, eventually, keptLog, Note, silentLog, virtualPorts } from "@mortise/kernel/testing";
import { frameStatus } from "./frame.ts";
import { options } from "./options.ts";
import { rawClient, rawServer, start } from "./peers.fixture.ts";

const heartbeat = { flags: 0xe2, body: Buffer.of(0x4e) };
const readOnly = { flags: 0xa2, body: Buffer.of(0x01, 0x52) };

/** Lets what has been written arrive. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("heartbeats of protocol/dubbo", () => {
  it("are sent by a client that has heard nothing for heartbeatMs, and keep the connection", async () => {
    const ports = virtualPorts();
    const protocol = start({ heartbeatMs: 60_000, idleMs: 180_000 }, ports);
    const server = await rawServer();
    const connection = connectTo(protocol, server.address);
    const answer = failure(callers(connection).call("echo", emptyNote), "UNAVAILABLE");
    const peer = await server.first();
    await eventually(() => peer.frames.length === 1);
    const beats = () => peer.frames.filter(({ flags }) => flags === heartbeat.flags);
    await ports.advance(40_000);
    await settled();
    assert.equal(beats().length, 0);
    await ports.advance(40_000);
    const [beat] = await eventually(() => beats().length === 1 && beats());
    assert.deepEqual(beat?.body, heartbeat.body);
    for (let minutes = 0; minutes < 10; minutes++) {
      peer.send({ flags: 0x22, status: frameStatus.ok, idLow: beat?.idLow ?? 0, body: heartbeat.body });
      await settled();
      await ports.advance(60_000);
      await settled();
    }
    assert.equal(peer.closed(), false);
    assert.ok(beats().length >= 5, `${beats().length} heartbeats`);
    await ports.advance(180_000);
    await answer;
    await server.close();
    await connection.close(0);
  });

  it("are answered by a server, in the serialization they came in", async () => {
    const listener = await start().listen(echoExposure(silentLog));
    const peer = await rawClient(listener.address);
    peer.send({ ...heartbeat, idHigh: 7, idLow: 9 });
    peer.send({ flags: 0xe0 | 23, body: Buffer.of(0xaf) });
    await eventually(() => peer.frames.length === 2);
    assert.deepEqual(peer.frames[0], { flags: 0x22, status: 20, idHigh: 7, idLow: 9, body: heartbeat.body });
    assert.deepEqual([peer.frames[1]?.flags, peer.frames[1]?.body], [0x20 | 23, Buffer.of(0xaf)]);
    await listener.close(0);
  });

  it("are missed by a server for idleMs at most", async () => {
    const ports = virtualPorts();
    const listener = await start({}, ports).listen(echoExposure(silentLog));
    const [silent, alive] = [await rawClient(listener.address), await rawClient(listener.address)];
    await settled();
    for (let minutes = 0; minutes < 4; minutes++) {
      alive.send(heartbeat);
      await eventually(() => alive.frames.length === minutes + 1);
      await ports.advance(60_000);
    }
    await eventually(() => silent.closed());
    assert.equal(alive.closed(), false);
    alive.socket.destroy();
    await ports.settle(listener.close(0));
  });
});

describe("the read-only event of protocol/dubbo", () => {
  it("is sent to every caller when a listener closes", async () => {
    const listener = await start().listen(echoExposure(silentLog));
    const peers = [await rawClient(listener.address), await rawClient(listener.address)];
    await settled();
    await listener.close(0);
    for (const { frames, closed } of peers) {
      await eventually(closed);
      assert.deepEqual([frames[0]?.flags, frames[0]?.body], [readOnly.flags, readOnly.body]);
    }
  });

  it("lets a client finish what it has begun, and go elsewhere with the rest", async () => {
    const server = await rawServer();
    const connection = connectTo(start(), server.address);
    const { call } = callers(connection);
    const first = call("sleep", { ms: 1 });
    const peer = await server.first();
    const [request] = await eventually(() => peer.frames.length === 1 && peer.frames);
    peer.send(readOnly);
    await settled();
    const second = call("sleep", { ms: 2 });
    const other = await eventually(() => server.peers[1]);
    await eventually(() => other.frames.length === 1);
    assert.equal(peer.frames.length, 1);
    for (const one of [peer, other]) {
      const { idHigh = 0, idLow = 0 } = one.frames[0] ?? {};
      one.send({ flags: 22, status: frameStatus.ok, idHigh, idLow, body: Buffer.of(0x20) });
    }
    assert.ok(request);
    assert.deepEqual(await Promise.all([first, second]), [{}, {}]);
    await eventually(() => peer.closed());
    await connection.close(0);
    await server.close();
  });
});

describe("connections of protocol/dubbo", () => {
  it("are tried again less and less often, and fail calls at once meanwhile", async () => {
    const ports = virtualPorts();
    const server = await rawServer();
    await server.close();
    const connection = connectTo(start({ reconnectMinMs: 100, reconnectMaxMs: 1000 }, ports), server.address);
    const { call } = callers(connection);
    await failure(call("echo", emptyNote), "UNAVAILABLE");
    const again = await rawServer(server.port);
    const error = await failure(call("echo", emptyNote), "UNAVAILABLE");
    assert.ok(error.neverSent);
    assert.equal(again.peers.length, 0);
    await ports.advance(1000);
    const peer = await again.first();
    const answer = failure(call("echo", emptyNote), "UNAVAILABLE");
    await eventually(() => peer.frames.length === 1);
    assert.equal(again.peers.length, 1, "the call has taken the connection that was made");
    await again.close();
    await answer;
    await connection.close(0);
  });

  it("give up connecting after connectTimeoutMs", async () => {
    const connection = connectTo(start({ connectTimeoutMs: 50 }), "192.0.2.1:20880"); // nobody has this address
    const error = await failure(callers(connection).call("echo", emptyNote), "UNAVAILABLE");
    assert.ok(error.neverSent);
    await connection.close(0);
  });

  it("are shared by all services of a peer, and as many as the options say", async () => {
    for (const connections of [1, 3]) {
      const server = await rawServer();
      const protocol = start({ connections });
      const users = [connectTo(protocol, server.address), connectTo(protocol, server.address)];
      const answers = users.flatMap((user) =>
        Array.from({ length: 5 }, () => failure(callers(user).call("echo", emptyNote), "UNAVAILABLE")),
      );
      await eventually(() => server.peers.reduce((sum, { frames }) => sum + frames.length, 0) === 10);
      assert.equal(server.peers.length, connections);
      await server.close();
      await Promise.all(answers);
      await Promise.all(users.map((user) => user.close(0)));
    }
  });

  it("tell a call that was under way when they were lost, and do not say that it was never sent", async () => {
    const server = await rawServer();
    const connection = connectTo(start(), server.address);
    const answer = failure(callers(connection).call("echo", emptyNote), "UNAVAILABLE");
    await eventually(async () => (await server.first()).frames.length === 1);
    await server.close();
    assert.equal((await answer).neverSent, false);
    await connection.close(0);
  });

  it("cancel the handlers of a caller that is gone", async () => {
    await inWorld({ start: () => start() }, {}, async ({ events, listener }) => {
      const connection = connectTo(start(), listener.address);
      const answer = failure(callers(connection).call("sleep", { ms: 60_000 }), "UNAVAILABLE");
      await eventually(() => events.begun === 1);
      await connection.close(0);
      await answer;
      await eventually(() => events.cancelled.length === 1);
    });
  });

  // Deno does not tell what keeps its process alive.
  const onNode = "Deno" in globalThis ? async () => undefined : it;
  void onNode("keep the process alive only while calls wait for an answer", async () => {
    const server = await rawServer();
    const connection = connectTo(start(), server.address);
    const before = process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
    const answer = callers(connection).call("sleep", { ms: 1 });
    const peer = await server.first();
    const [request] = await eventually(() => peer.frames.length === 1 && peer.frames);
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
    const during = sockets();
    peer.send({
      flags: 22,
      status: frameStatus.ok,
      idHigh: request?.idHigh ?? 0,
      idLow: request?.idLow ?? 0,
      body: Buffer.of(0x20),
    });
    await answer;
    assert.ok(during >= before);
    assert.equal(sockets(), during - 1);
    await connection.close(0);
    await server.close();
  });
});

describe("limits of protocol/dubbo", () => {
  it("answer a request that is longer than the server allows, and keep the connection", async () => {
    const limited = start({ maxMessageBytes: 4096 });
    const listener = await limited.listen(echoExposure(silentLog));
    const connection = connectTo(start(), listener.address);
    const { call } = callers(connection);
    const resting = call("sleep", { ms: 100 });
    const error = await failure(call("upload", { data: new Uint8Array(5000) }), "RESOURCE_EXHAUSTED");
    assert.match(error.message, /4096/);
    assert.deepEqual(await call("upload", { data: new Uint8Array(3000) }), { size: 3000 });
    assert.deepEqual(await resting, {});
    await connection.close(0);
    await listener.close(0);
  });

  it("end a call whose response is longer than the client allows, and keep the connection", async () => {
    const listener = await start().listen(echoExposure(silentLog));
    const connection = connectTo(start({ maxMessageBytes: 4096 }), listener.address);
    const { call } = callers(connection);
    const error = await failure(call("bytes", { size: 200_000 }), "RESOURCE_EXHAUSTED");
    assert.match(error.message, /4096/);
    assert.equal((await call("bytes", { size: 4000 })).data.length, 4000);
    await connection.close(0);
    await listener.close(0);
  });

  it("keep headers within 64 KiB", async () => {
    const listener = await start().listen(echoExposure(silentLog));
    const connection = connectTo(start(), listener.address);
    const { call } = callers(connection);
    await call("echo", emptyNote, { metadata: { "x-long": "x".repeat(60_000) } });
    const error = await failure(
      call("echo", emptyNote, { metadata: { "x-long": "x".repeat(66_000) } }),
      "INVALID_ARGUMENT",
    );
    assert.match(error.message, /65536/);
    await connection.close(0);
    await listener.close(0);
  });

  it("refuse more calls of a connection than are to be served at once", async () => {
    const listener = await start({ maxCallsPerConnection: 3 }).listen(echoExposure(silentLog));
    const connection = connectTo(start(), listener.address);
    const { call } = callers(connection);
    const resting = Array.from({ length: 3 }, () => call("sleep", { ms: 1000 }));
    const error = await failure(call("echo", emptyNote), "RESOURCE_EXHAUSTED");
    assert.match(error.message, /maxCallsPerConnection/);
    await Promise.all(resting);
    await call("echo", emptyNote);
    await connection.close(0);
    await listener.close(0);
  });

  it("refuse calls to a peer that takes no requests", async () => {
    const server = await rawServer();
    const connection = connectTo(start({ maxPendingBytes: 65_536 }), server.address);
    const { call } = callers(connection);
    const first = failure(call("echo", emptyNote), "UNAVAILABLE");
    (await server.first()).socket.pause();
    const data = new Uint8Array(4_000_000);
    const calls = Array.from({ length: 10 }, () => call("upload", { data }).catch((error: StatusError) => error));
    const exhausted = failure(
      (async () => {
        for (;;) await call("upload", { data: new Uint8Array(1) }, { timeoutMs: 50 }).catch(throwUnlessLate);
      })(),
      "RESOURCE_EXHAUSTED",
    );
    const error = await exhausted;
    assert.match(error.message, /maxPendingBytes/);
    assert.ok(error.neverSent);
    await server.close();
    await first;
    await Promise.all(calls);
    await connection.close(0);
  });

  it("make a server read no further for a caller that takes no answers", async () => {
    const events = echoEvents();
    const listener = await start({ maxPendingBytes: 65_536 }).listen(echoExposure(silentLog, { events }));
    const greedy = await rawClient(listener.address);
    greedy.socket.pause();
    const path = Buffer.from(Echo.methods.echo.path);
    const note = codecOf(Note).encode({ ...emptyNote, data: new Uint8Array(100_000) });
    const body = Buffer.concat([Buffer.of(0x28, 0, 0, 0, path.length), path, note]);
    for (let idLow = 0; idLow < 600; idLow++) greedy.send({ flags: 0xc0 | 22, idLow, body });
    let before = -1;
    await eventually(async () => {
      const stands = events.begun === before;
      before = events.begun;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return stands && before > 0;
    });
    assert.ok(events.begun < 400, `${events.begun} of 600 requests were handled`);
    const connection = connectTo(start(), listener.address);
    await callers(connection).call("echo", emptyNote);
    greedy.socket.resume();
    await eventually(() => greedy.frames.length === 600, 60_000);
    greedy.socket.destroy();
    await connection.close(0);
    await listener.close(0);
  });

  it("are refused by name when they make no sense", () => {
    const problems = (given: object) =>
      options.safeParse(given).error?.issues.map(({ path, message }) => [path.join("."), message]);
    assert.deepEqual(problems({ prot: 1 }), [["", 'Unrecognized key: "prot"']]);
    assert.match(String(problems({ heartbeatMs: 60_000, idleMs: 100_000 })), /idleMs.*twice heartbeatMs/);
  });
});

describe("peers of protocol/dubbo that do not keep to it", () => {
  it("lose their own connection only", async () => {
    const log = keptLog();
    const listener = await start({}, systemPorts, log).listen(echoExposure(log));
    const connection = connectTo(start(), listener.address);
    const resting = callers(connection).call("sleep", { ms: 100 });
    const web = await rawClient(listener.address);
    web.socket.write("GET / HTTP/1.1\r\n\r\n");
    await eventually(() => web.closed());
    assert.ok(log.lines.some(({ level }) => level === "warn"));
    assert.deepEqual(await resting, {});
    await connection.close(0);
    await listener.close(0);
  });

  it("are told what is wrong with a body, and may go on", async () => {
    const listener = await start().listen(echoExposure(silentLog));
    const peer = await rawClient(listener.address);
    const bodies = [[], [0x20], [0x40, 0, 0], [0x20, 0, 1], [0x28, 0, 0, 0xff, 0xff], [0x25, 0, 0, 0, 0]];
    for (const [idLow, body] of bodies.entries()) peer.send({ flags: 0xc0 | 22, idLow, body: Buffer.from(body) });
    peer.send({ flags: 0xc2, idLow: 99, body: Buffer.of(0xff) });
    peer.send({ flags: 0x82, idLow: 100, body: Buffer.of(0xff) }); // nobody waits for an answer
    peer.send(heartbeat);
    await eventually(() => peer.frames.length === bodies.length + 2);
    const statuses = peer.frames.map(({ status }) => status);
    assert.deepEqual(
      statuses.slice(0, -1),
      [...bodies, "hessian2"].map(() => frameStatus.badRequest),
    );
    peer.socket.destroy();
    await listener.close(0);
  });

  it("are told in Hessian which serialization to ask with", async () => {
    const listener = await start().listen(echoExposure(silentLog));
    const peer = await rawClient(listener.address);
    for (const serial of [23, 22]) peer.send({ flags: 0xc0 | serial, idLow: serial, body: Buffer.of(0x05, 0x32) });
    await eventually(() => peer.frames.length === 2);
    for (const { flags, status, body } of peer.frames) {
      assert.deepEqual([flags, status], [2, frameStatus.badRequest]);
      assert.match(body.toString("latin1"), /serialization=hessian2/);
    }
    peer.socket.destroy();
    await listener.close(0);
  });

  it("get no answer to answers, and answers nobody waits for are passed over", async () => {
    const server = await rawServer();
    const connection = connectTo(start(), server.address);
    const { call } = callers(connection);
    const answer = call("sleep", { ms: 1 });
    const peer = await server.first();
    const [request] = await eventually(() => peer.frames.length === 1 && peer.frames);
    const { idHigh = 0, idLow = 0 } = request ?? {};
    peer.send({ flags: 22, status: frameStatus.ok, idHigh: idHigh + 1, idLow, body: Buffer.of(0x20) });
    peer.send({ flags: 22, status: frameStatus.ok, idHigh, idLow: 12_345, body: Buffer.of(0x20) });
    peer.send({ flags: 0xc2, idLow: 5, body: Buffer.of(0x20) });
    peer.send({ flags: 22, status: frameStatus.ok, idHigh, idLow, body: Buffer.of(0x20) });
    assert.deepEqual(await answer, {});
    const refusal = await eventually(() => peer.frames[1]);
    assert.deepEqual([refusal.flags, refusal.status, refusal.idLow], [2, frameStatus.serviceNotFound, 5]);
    await connection.close(0);
    await server.close();
  });

  it("lose the connection, and their callers the calls on it, when they answer with garbage", async () => {
    const server = await rawServer();
    const connection = connectTo(start(), server.address);
    const { call } = callers(connection);
    const malformed = failure(call("echo", emptyNote), "INTERNAL");
    const peer = await server.first();
    const [request] = await eventually(() => peer.frames.length === 1 && peer.frames);
    const { idHigh = 0, idLow = 0 } = request ?? {};
    peer.send({ flags: 22, status: frameStatus.ok, idHigh, idLow, body: Buffer.of(0x20, 0xff, 0xff) });
    await malformed;
    const lost = failure(call("echo", emptyNote), "UNAVAILABLE");
    await eventually(() => peer.frames.length === 2);
    peer.socket.write("no frame");
    assert.match((await lost).message, /no Dubbo frame/);
    await connection.close(0);
    await server.close();
  });
});

describe("one-way calls of protocol/dubbo", () => {
  it("are over when they are on their way, and are handled", async () => {
    const services = { [Echo.name]: { methods: { sleep: { oneway: true } } } };
    await inWorld({ start: () => start({ services }) }, {}, async ({ call, events, listener }) => {
      assert.deepEqual(await call("sleep", { ms: 5 }), {});
      await eventually(() => events.begun === 1);
      await listener.close(1000); // waits for the handler, though nobody else does
      assert.equal(events.cancelled.length, 0);
    });
  });
});

function throwUnlessLate(error: StatusError): void {
  if (error.code !== "DEADLINE_EXCEEDED") throw error;
}
