import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { it } from "node:test";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { sqlPool } from "./connection.ts";
import { loadDrivers } from "./drivers.ts";
import { codeOfError } from "./explain.ts";
import { connectSteadily } from "./steady-socket.ts";
import { askThroughResets, connectionsWith, toldBy } from "./way.fixture.ts";

it("a socket that is reset tells of the error and of its close at one moment", async () => {
  const server = createServer((socket) => void once(socket, "data").then(() => socket.resetAndDestroy()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connectSteadily("127.0.0.1", (server.address() as AddressInfo).port);
  socket.resume().write(Buffer.from("x"));
  const told = await toldBy(socket);
  server.close();
  assert.deepEqual(told, ["error", "close"]);
});

await onServer("connections that are reset", postgresServer, (server) => {
  it("are made anew at once, whatever was about to be sent over them", { timeout: 120_000 }, async () => {
    const patient = connectionsWith(false, { poolSize: 1, connectTimeoutMs: 600_000 });
    const sql = sqlPool(await loadDrivers(), { ...server.address, database: "postgres" }, patient);
    const given: Socket[] = [];
    const { options } = sql as unknown as { options: { socket(): Socket } };
    const { socket } = options;
    options.socket = () => {
      const one = socket();
      given.push(one);
      return one;
    };
    await sql`select 1`;
    const told = await new Promise((resolve) => {
      setImmediate(() => {
        given[0]?.destroy(); // it closes at the end of this turn, and what is asked now is sent in the next
        void sql`select 2`.then(() => "answered", codeOfError).then(resolve);
      });
    });
    assert.equal(told, "CONNECTION_CLOSED");
    assert.equal((await sql`select 3 as three`)[0]?.three, 3);
    assert.equal(given.length, 2);
    assert.deepEqual([...(await sql`select current_setting('mortise.filling', true) as filling`)], [{ filling: null }]);
    await sql.end();
  });

  it("settle whatever was asked over them, at whatever moment, and serve again", { timeout: 120_000 }, () =>
    askThroughResets(server, false),
  );
});
