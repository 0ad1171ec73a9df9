import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { it } from "node:test";
import { systemPorts } from "../core/ports.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { openDatabase } from "./database.ts";
import { loadDrivers } from "./drivers.ts";

/** A way to the server whose connections can be reset. */
async function wayTo(host: string, port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host, port });
    for (const socket of [near, far]) sockets.add(socket.on("error", () => undefined));
    near.pipe(far).on("close", () => near.destroy());
    far.pipe(near).on("close", () => far.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
    },
    close: () => server.close(),
  };
}

await onServer("connections that are reset", postgresServer, (server) => {
  it("settle whatever was asked over them, at whatever moment, and serve again", { timeout: 120_000 }, async () => {
    const test = await server.database();
    const way = await wayTo(test.address.host, test.address.port);
    const address = { ...test.address, host: "127.0.0.1", port: way.port };
    const connections = {
      ...{ poolSize: 4, connectTimeoutMs: 5_000, idleTimeoutMs: 60_000, statementTimeoutMs: 0, lockTimeoutMs: 0 },
      ...{ idleTransactionTimeoutMs: 0, tls: false as const },
    };
    const { database, end } = openDatabase(test.name, address, connections, await loadDrivers(), systemPorts);
    const { sql } = database;
    let over = false;
    const asks = [
      () => sql`select 1`,
      () => sql.begin(async (tx) => Promise.all([tx`select ${1}::int`, tx`select ${2}::int`])),
    ];
    const clerk = async (ask: () => PromiseLike<unknown>) => {
      while (!over) await Promise.resolve(ask()).catch(() => undefined);
    };
    const clerks = Array.from({ length: 24 }, (_, n) => clerk(asks[n % 2] as () => PromiseLike<unknown>));
    for (let round = 0; round < 60; round++) {
      way.reset();
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    over = true;
    await Promise.all(clerks);
    assert.equal((await sql`select 1 as one`)[0]?.one, 1);
    await end(1_000);
    way.close();
    await test.drop();
  });
});
