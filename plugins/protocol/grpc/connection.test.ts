import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { systemPorts } from "@mortise/kernel";
import { callers, connectTo, failure, inWorld, type World } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { eventually, silentLog } from "@mortise/kernel/testing";
import { channelPool } from "./channel-pool.ts";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";

const protocolWith = (given: object) =>
  grpcProtocol({ options: options.parse(given), ports: systemPorts, log: silentLog });

/** A network between client and server that can be looked at and broken. */
interface Network {
  readonly address: string;
  /** Connections made so far. */
  count(): number;
  /** Breaks all connections, as a crash of the peer does. */
  break(): void;
  /** From now on nothing passes, and nobody is told. */
  swallow(): void;
  close(): void;
}

async function networkTo(address: string): Promise<Network> {
  const port = Number(address.split(":").at(-1));
  const pairs: [Socket, Socket][] = [];
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    pairs.push([near, far]);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const each = (act: (socket: Socket) => void) => pairs.flat().forEach(act);
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    count: () => pairs.length,
    break: () => each((socket) => socket.resetAndDestroy()),
    swallow: () => each((socket) => void socket.unpipe().pause()),
    close: () => {
      each((socket) => socket.destroy());
      server.close();
    },
  };
}

/** A server, and a client that reaches it over a network. */
function overNetwork(given: object, check: (network: Network, client: World) => Promise<void>): Promise<void> {
  return inWorld({ start: () => protocolWith({}) }, {}, async (world) => {
    const network = await networkTo(world.listener.address);
    const protocol = protocolWith(given);
    const connection = connectTo(protocol, network.address);
    try {
      await check(network, { ...world, protocol, connection, ...callers(connection) });
    } finally {
      await connection.close(0);
      network.close();
    }
  });
}

describe("a connection of protocol/grpc", () => {
  it("is opened by the first call, and shared by all services of an address", () =>
    overNetwork({}, async (network, { protocol, call, connection }) => {
      const second = connectTo(protocol, network.address);
      const third = connectTo(protocol, network.address);
      assert.equal(network.count(), 0);
      await Promise.all([call("echo", emptyNote), callers(second).call("echo", emptyNote)]);
      await callers(third).call("echo", emptyNote);
      assert.equal(network.count(), 1);
      await connection.close(0);
      await second.close(0);
      await callers(third).call("echo", emptyNote);
      assert.equal(network.count(), 1);
      await third.close(0);
    }));

  it("says UNAVAILABLE when it breaks during a call, and not that the request never left", () =>
    overNetwork({}, async (network, { call, events }) => {
      const resting = failure(call("sleep", { ms: 60_000 }), "UNAVAILABLE");
      await eventually(() => events.begun === 1);
      network.break();
      assert.equal((await resting).neverSent, false);
      await eventually(() => events.cancelled.length === 1);
    }));

  it("comes back by itself after it broke", () =>
    overNetwork({}, async (network, { call }) => {
      await call("echo", emptyNote);
      network.break();
      await eventually(() => call("echo", emptyNote));
      assert.ok(network.count() >= 2);
    }));

  it("tells a handler that reads a stream of its caller's crash, instead of an end of the stream", () =>
    overNetwork({}, async (network, { call, events }) => {
      async function* numbers() {
        yield { number: 1, padding: new Uint8Array() };
        await new Promise(() => undefined);
      }
      const answer = failure(call("sum", numbers()), "UNAVAILABLE");
      await eventually(() => events.read === 1);
      network.break();
      await answer;
      assert.equal((await eventually(() => events.cancelled[0])).code, "CANCELLED");
    }));

  it("notices a dead network when it probes", () =>
    overNetwork({ keepaliveMs: 300, keepaliveTimeoutMs: 1500 }, async (network, { call, events }) => {
      const resting = failure(call("sleep", { ms: 60_000 }), "UNAVAILABLE");
      await eventually(() => events.begun === 1);
      network.swallow();
      await resting;
    }));

  it("gives up connecting to a peer that never answers", async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as { port: number };
    const connection = connectTo(protocolWith({ connectTimeoutMs: 50 }), `127.0.0.1:${port}`);
    const error = await failure(callers(connection).call("echo", emptyNote), "UNAVAILABLE");
    assert.equal(error.neverSent, true);
    await connection.close(0);
    mute.close();
  });

  it("says who cannot be reached, and why", async () => {
    const connection = connectTo(protocolWith({}), "127.0.0.1:1");
    const error = await failure(callers(connection).call("echo", emptyNote), "UNAVAILABLE");
    assert.match(error.message, /^127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
    await connection.close(0);
  });

  it("refuses new calls once it is closing, before it was ever opened too", async () => {
    const connection = connectTo(protocolWith({}), "127.0.0.1:1");
    await connection.close(0);
    const error = await failure(callers(connection).call("echo", emptyNote), "UNAVAILABLE");
    assert.deepEqual([error.neverSent, error.message], [true, "the connection to 127.0.0.1:1 is closed"]);
  });
});

describe("a connection of protocol/grpc whose peer talks nonsense", () => {
  it("is let go of once it is closed", async () => {
    const hex = (...frames: string[]) => Buffer.from(frames.join(""), "hex");
    const nonsense = hex("000001010400000001", "88", "0000100000000000010000000000", "ffffff".repeat(20));
    const told: Promise<unknown>[] = [];
    const server = createServer((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      told.push(promise);
      socket.on("close", resolve);
      socket.on("error", () => undefined);
      socket.write(hex("000000040000000000"));
      let heard = 0;
      socket.on("data", ({ length }) => {
        heard += length;
        if (heard > 100 && socket.writable) socket.end(nonsense); // there is a call, not only a beginning
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    for (let n = 1; n <= 20; n++) {
      const connection = connectTo(protocolWith({}), `127.0.0.1:${port}`);
      await assert.rejects(callers(connection).call("echo", emptyNote));
      await connection.close(0);
      assert.equal(told.length, n);
    }
    await Promise.all(told);
    server.close();
  });
});

describe("the channels of protocol/grpc", () => {
  it("are closed with their last user, and made anew for the next one", () => {
    const made: string[] = [];
    const closed: string[] = [];
    const lease = channelPool((address) => {
      made.push(address);
      return { channel: {} as never, close: () => closed.push(address) };
    });
    const [a, b, c] = [lease("x"), lease("x"), lease("y")];
    assert.equal(a.channel, b.channel);
    a.release();
    assert.deepEqual(closed, []);
    b.release();
    assert.deepEqual([made, closed], [["x", "y"], ["x"]]);
    lease("x").release();
    c.release();
    assert.deepEqual(
      [made, closed],
      [
        ["x", "y", "x"],
        ["x", "x", "y"],
      ],
    );
  });
});
