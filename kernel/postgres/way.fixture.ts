import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { systemPorts } from "../core/ports.ts";
import type { DatabaseAddress } from "../spi/store.ts";
import type { TestPostgres } from "../testing/postgres-server.ts";
import type { ConnectionOptions, Tls } from "./connection.ts";
import { openDatabase } from "./database.ts";
import { loadDrivers } from "./drivers.ts";

/** A way to a server, whose connections can be reset. */
export interface Way {
  readonly port: number;
  /** How many come through now. */
  readonly connections: number;
  reset(): void;
  close(): void;
}

/** Opens a way to a server on the loopback interface. */
export async function wayTo({ host, port }: Pick<DatabaseAddress, "host" | "port">): Promise<Way> {
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
    get connections() {
      return [...sockets].filter((socket) => !socket.closed).length / 2;
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
    },
    close: () => server.close(),
  };
}

/** Connections without time limits for what is asked over them. */
export function connectionsWith(tls: Tls, more: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return {
    ...{ poolSize: 4, connectTimeoutMs: 5_000, idleTimeoutMs: 60_000, statementTimeoutMs: 0, lockTimeoutMs: 0 },
    ...{ idleTransactionTimeoutMs: 0, tls, ...more },
  };
}

/**
 * Asks for much over connections that are reset again and again, each time at another moment. Resolves when all that was
 * asked has been answered or has failed, and the pool serves again.
 */
export async function askThroughResets(server: TestPostgres, tls: Tls): Promise<void> {
  const test = await server.database();
  const way = await wayTo(test.address);
  const address = { ...test.address, host: "127.0.0.1", port: way.port };
  const { database, end } = openDatabase(test.name, address, connectionsWith(tls), await loadDrivers(), systemPorts);
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
}

/** What a socket tells of its end, in order; `turn` stands for whatever else may run meanwhile. */
export function toldBy(socket: EventEmitter): Promise<readonly string[]> {
  const told: string[] = [];
  socket.on("error", () => {
    told.push("error");
    process.nextTick(() => told.push("turn"));
  });
  return new Promise((resolve) => {
    socket.on("close", () => {
      told.push("close");
      resolve([...told]);
    });
  });
}
