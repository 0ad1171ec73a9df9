import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { after, describe, it } from "node:test";
import { TLSSocket } from "node:tls";
import type { Sql } from "postgres";
import { testAuthority } from "../testing/certificates.ts";
import { eventually } from "../testing/eventually.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { type ConnectionOptions, sqlPool, type Tls } from "./connection.ts";
import { loadDrivers } from "./drivers.ts";
import { codeOfError } from "./explain.ts";
import { SecureSocket } from "./secure-socket.ts";
import { askThroughResets, connectionsWith, toldBy, wayTo } from "./way.fixture.ts";

const authority = testAuthority();
const trusted = { ca: authority.ca, rejectUnauthorized: true, host: "localhost" } as const;
const drivers = await loadDrivers();

await onServer(
  "connections with TLS",
  () => postgresServer({ certificate: authority.issue("database", ["localhost"]) }),
  (server) => {
    const target = { ...server.address, database: "postgres" };

    async function overWay(tls: Tls, work: (sql: Sql<{ bigint: bigint }>, reset: () => void) => Promise<unknown>) {
      const way = await wayTo(target);
      const sql = sqlPool(drivers, { ...target, port: way.port }, connectionsWith(tls));
      try {
        await work(sql, way.reset);
      } finally {
        await sql.end({ timeout: 1 });
        await eventually(() => way.connections === 0);
        way.close();
      }
    }

    const underWay = async () => {
      const sql = sqlPool(drivers, target, connectionsWith(trusted, { poolSize: 1 }));
      const [row] = await sql`select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(600)%'
        and state = 'active' and pid <> pg_backend_pid()`;
      await sql.end();
      return row?.n as number;
    };

    it(
      "settle whatever was asked over them when they are reset, at whatever moment, and serve again",
      {
        timeout: 120_000,
      },
      () => askThroughResets(server, trusted),
    );

    it("reject all that was asked over them when they are cut in the middle of it", { timeout: 120_000 }, () =>
      overWay(trusted, async (sql, reset) => {
        let begun = 0;
        const atOnce = async () => {
          begun++;
          await eventually(() => begun === 4);
        };
        await Promise.all(Array.from({ length: 4 }, () => sql.begin(atOnce))); // now four connections are open
        const asked = [
          ...Array.from({ length: 4 }, () => sql`select pg_sleep(600)`),
          ...Array.from({ length: 40 }, () => sql`select 1`), // sent behind the others
        ].map((query) => query.then(() => "answered", codeOfError));
        await eventually(async () => (await underWay()) === 4);
        reset();
        for (const told of await Promise.all(asked)) assert.match(told, /^(ECONNRESET|CONNECTION_CLOSED|EPIPE)$/);
        assert.equal((await sql`select 1 as one`)[0]?.one, 1);
      }),
    );

    it("carry much in both directions", { timeout: 120_000 }, () =>
      overWay(trusted, async (sql) => {
        await sql.begin(async (tx) => {
          await tx`create temp table heap (n int, filling text) on commit drop`;
          const filling = "x".repeat(1_000);
          const lines = function* () {
            for (let n = 0; n < 20_000; n++) yield `${n}\t${filling}\n`;
          };
          await pipeline(lines, await tx`copy heap from stdin`.writable());
          let bytes = 0;
          for await (const chunk of await tx`copy heap to stdout`.readable()) bytes += (chunk as Buffer).length;
          assert.ok(bytes > 20_000 * 1_000);
          const [row] = await tx`select count(*)::int as n, sum(length(filling))::int as length from heap`;
          assert.deepEqual({ ...row }, { n: 20_000, length: 20_000_000 });
        });
      }),
    );

    it("cancel a query", { timeout: 120_000 }, () =>
      overWay(trusted, async (sql) => {
        const query = sql`select pg_sleep(600)`.execute();
        await eventually(async () => (await underWay()) > 0);
        query.cancel();
        await assert.rejects(query, { code: "57014" });
        assert.equal((await sql`select 1 as one`)[0]?.one, 1);
      }),
    );

    it("are closed when the server is not believed", () =>
      overWay({ ...trusted, ca: testAuthority("Somebody else").ca }, async (sql) => {
        const code = await sql`select 1`.then(() => "believed", codeOfError);
        assert.match(code, /CERT|VERIFY|SIGN/);
      }));

    it("are closed when the certificate is for another host", () =>
      overWay({ ...trusted, host: "elsewhere.test" }, async (sql) => {
        await assert.rejects(async () => sql`select 1`, { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
      }));

    it("believe any certificate when told so", () =>
      overWay({ rejectUnauthorized: false, host: "elsewhere.test" }, async (sql) => {
        const [row] = await sql`select ssl, current_setting('mortise.filling', true) as filling
          from pg_stat_ssl where pid = pg_backend_pid()`;
        assert.deepEqual({ ...row }, { ssl: true, filling: null });
      }));
  },
);

describe("a server asked for TLS", () => {
  /** A server that answers every connection by `answer`, and how many are open. */
  async function serverThat(answer: (socket: Socket) => unknown, host = "127.0.0.1") {
    const sockets = new Set<Socket>();
    const asked: Buffer[] = [];
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      socket.on("close", () => sockets.delete(socket));
      socket.once("data", (bytes) => {
        asked.push(bytes);
        socket.resume();
        answer(socket);
      });
    }).listen(0, host);
    await once(server, "listening");
    after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const pool = (more: Partial<ConnectionOptions> = {}) =>
      sqlPool(
        drivers,
        { host, port, username: "shop", password: "s3cret", database: "order" },
        connectionsWith(trusted, { poolSize: 1, connectTimeoutMs: 60_000, ...more }),
      );
    return { port, pool, asked, sockets };
  }

  async function failsWith(
    code: string | RegExp,
    answer: (socket: Socket) => unknown,
    more: Partial<ConnectionOptions> = {},
  ) {
    const { pool, asked, sockets } = await serverThat(answer);
    const sql = pool(more);
    await assert.rejects(async () => sql`select 1`, { code });
    await eventually(() => sockets.size === 0);
    await sql.end({ timeout: 1 });
    assert.ok(asked.every((bytes) => bytes.toString("hex") === "0000000804d2162f"));
  }

  it("that refuses is told nothing more", () => failsWith("TLS_NOT_OFFERED", (socket) => socket.write("N")));

  it("that answers with an error is told nothing more", () =>
    failsWith("TLS_NOT_OFFERED", (socket) => socket.write("E\0\0\0\x04")));

  it("is not believed when more than its answer comes without TLS", () =>
    failsWith("TLS_TAMPERED", (socket) => socket.write("SR\0\0\0\x08\0\0\0\0")));

  it("is not believed when it goes on without TLS after it has agreed", () =>
    failsWith(/^ERR_SSL_/, (socket) => {
      socket.write("S");
      socket.once("data", () => socket.write("R\0\0\0\x08\0\0\0\0"));
    }));

  it("that closes instead is one that cannot be reached", async () => {
    await failsWith("ECONNRESET", (socket) => socket.end());
    await failsWith("ECONNRESET", (socket) => socket.end("S"));
    await failsWith("ECONNRESET", (socket) => socket.resetAndDestroy());
  });

  it("that says nothing is given up in time, at every step", async () => {
    await failsWith("CONNECT_TIMEOUT", () => undefined, { connectTimeoutMs: 100 });
    await failsWith("CONNECT_TIMEOUT", (socket) => socket.write("S"), { connectTimeoutMs: 100 });
  });

  it("that resets a connection makes it tell of the error and of its close at one moment", async () => {
    const { port } = await serverThat((socket) => {
      socket.write("S");
      const secured = new TLSSocket(socket, { isServer: true, ...authority.issue("database", ["localhost"]) });
      secured.on("error", () => undefined);
      secured.once("data", () => socket.resetAndDestroy());
    });
    const socket = new SecureSocket("127.0.0.1", port, trusted);
    socket.write(Buffer.from("x"));
    assert.deepEqual(await toldBy(socket), ["error", "close"]);
  });

  it("is left when the pool ends meanwhile", async () => {
    for (const answer of [() => undefined, (socket: Socket) => socket.write("S")]) {
      const { pool, asked, sockets } = await serverThat(answer);
      const sql = pool();
      const refused = assert.rejects(async () => sql`select 1`, { code: "CONNECTION_DESTROYED" });
      await eventually(() => asked.length > 0);
      await sql.end({ timeout: 0 });
      await refused;
      await eventually(() => sockets.size === 0);
    }
  });

  it("is named in what is told of it", async () => {
    const { pool } = await serverThat(() => undefined);
    const sql = pool({ connectTimeoutMs: 100 });
    await assert.rejects(async () => sql`select 1`, /CONNECT_TIMEOUT 127\.0\.0\.1:\d+$/);
    await sql.end({ timeout: 1 });
  });
});
