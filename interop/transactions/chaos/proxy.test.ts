import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { eventually } from "@mortise/kernel/testing";
import { proxyTo, type Way } from "./proxy.ts";

/** A server that says what it hears in capitals, and a client of it over a way. */
async function stage() {
  const heard: string[] = [];
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      heard.push(String(chunk));
      socket.write(String(chunk).toUpperCase());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let target: number | undefined = (server.address() as AddressInfo).port;
  const way = await proxyTo(() => (target === undefined ? undefined : { host: "127.0.0.1", port: target }));
  const clients: Client[] = [];
  const call = async () => {
    const client = await clientOf(way);
    clients.push(client);
    return client;
  };
  return {
    heard,
    accepted,
    way,
    call,
    forget: () => {
      target = undefined;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of clients) socket.destroy();
      for (const socket of accepted) socket.destroy();
      await way.close();
      server.close();
    },
  };
}

interface Client {
  readonly socket: Socket;
  readonly told: string[];
  readonly isClosed: () => boolean;
}

async function clientOf({ port }: Way): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port });
  const told: string[] = [];
  let closed = false;
  socket.on("error", () => undefined).on("data", (chunk) => told.push(String(chunk)));
  socket.on("close", () => {
    closed = true;
  });
  await new Promise<void>((resolve) => void socket.once("connect", resolve).once("close", () => resolve()));
  return { socket, told, isClosed: () => closed };
}

describe("a way that may be disturbed", () => {
  it("carries both directions", async () => {
    await using on = await stage();
    const { socket, told } = await on.call();
    socket.write("hello");
    await eventually(() => told.join("") === "HELLO");
  });

  it("lets requests through whose answers are held, and come late", async () => {
    await using on = await stage();
    const { socket, told } = await on.call();
    on.way.weather("pass", "silent");
    socket.write("hello");
    await eventually(() => on.heard.join("") === "hello");
    assert.deepEqual(told, []);
    on.way.weather("pass");
    await eventually(() => told.join("") === "HELLO");
  });

  it("loses what was held when it is cut", async () => {
    await using on = await stage();
    const client = await on.call();
    on.way.weather("pass", "silent");
    client.socket.write("hello");
    await eventually(() => on.heard.join("") === "hello");
    on.way.weather("cut");
    on.way.weather("pass");
    await eventually(client.isClosed);
    assert.deepEqual(client.told, []);
  });

  it("holds requests, and the end of a connection, while the answers pass", async () => {
    await using on = await stage();
    const { socket, told } = await on.call();
    socket.write("a");
    await eventually(() => told.join("") === "A");
    on.way.weather("silent", "pass");
    on.accepted[0]?.write("by the way");
    await eventually(() => told.join("") === "Aby the way");
    let gone = false;
    on.accepted[0]?.on("close", () => {
      gone = true;
    });
    socket.end("b");
    const { told: toldLater, socket: later } = await on.call(); // a way around it tells that time has passed
    later.write("c");
    assert.deepEqual([on.heard.join(""), gone, toldLater.length], ["a", false, 0]);
    on.way.weather("pass");
    await eventually(() => on.heard.join("").includes("b") && gone && toldLater.join("") === "C");
  });

  it("resets one side only, and tells the other when it has healed", async () => {
    for (const [requests, answers, told] of [
      ["pass", "cut", "near"],
      ["cut", "pass", "far"],
    ] as const) {
      await using on = await stage();
      const client = await on.call();
      client.socket.write("a");
      await eventually(() => client.told.join("") === "A");
      let far = false;
      on.accepted[0]?.on("close", () => {
        far = true;
      });
      on.way.weather(requests, answers);
      await eventually(() => (told === "near" ? client.isClosed() : far));
      assert.equal(told === "near" ? far : client.isClosed(), false);
      on.way.weather("pass");
      await eventually(() => far && client.isClosed());
    }
  });

  it("resets who calls while answers are cut, or nobody is there", async () => {
    await using on = await stage();
    on.way.weather("pass", "cut");
    const early = await on.call();
    await eventually(early.isClosed);
    on.way.weather("pass");
    on.forget();
    const late = await on.call();
    await eventually(late.isClosed);
    assert.equal(on.accepted.length, 0);
  });

  it("carries what comes at the same time late at the same time", async () => {
    await using on = await stage();
    const { socket, told } = await on.call();
    on.way.weather(30, "pass");
    for (let n = 0; n < 5; n++) socket.write(String(n));
    assert.deepEqual(on.heard, []);
    await eventually(() => told.join("") === "01234");
  });
});
