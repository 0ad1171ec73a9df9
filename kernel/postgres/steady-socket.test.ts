import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { it } from "node:test";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { connectSteadily } from "./steady-socket.ts";
import { askThroughResets, toldBy } from "./way.fixture.ts";

it("a socket that is reset tells of the error and of its close at one moment", async () => {
  const server = createServer((socket) => void once(socket, "data").then(() => socket.resetAndDestroy()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connectSteadily("127.0.0.1", (server.address() as AddressInfo).port);
  socket.resume().write("x");
  assert.deepEqual(await toldBy(socket), ["error", "close"]);
  server.close();
});

await onServer("connections that are reset", postgresServer, (server) => {
  it("settle whatever was asked over them, at whatever moment, and serve again", { timeout: 120_000 }, () =>
    askThroughResets(server, false),
  );
});
