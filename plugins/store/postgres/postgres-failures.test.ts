import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Running, Store } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { eventually, onServer, postgresServer, startPlugin, testAuthority } from "@mortise/kernel/testing";
import driver from "postgres";
import { postgres } from "./postgres.ts";

await onServer(
  "store/postgres on a server with troubles",
  () => postgresServer({ ours: true }),
  (server) => {
    const running: Running<Store>[] = [];
    after(() => Promise.all(running.map(async ({ stop }) => stop?.())));

    async function start(options: object = {}): Promise<Store> {
      const store = await startPlugin<Store>(postgres, {
        options: { url: server.url, startTimeoutMs: 300, ...options },
      });
      running.push(store);
      return store.api;
    }

    async function asOwner(...statements: string[]): Promise<void> {
      const sql = driver(server.url, { max: 1, onnotice: () => undefined });
      for (const statement of statements) await sql.unsafe(statement);
      await sql.end();
    }

    const urlFor = (user: string) => `postgres://${user}@127.0.0.1:${server.address.port}/postgres`;

    it("says where no server is", async () => {
      const port = await freePort();
      await assert.rejects(
        start({ url: `postgres://u:s3cret@127.0.0.1:${port}` }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "STORE_UNREACHABLE");
          assert.equal(
            error.message,
            `PostgreSQL at 127.0.0.1:${port} cannot be reached (ECONNREFUSED). ` +
              "Start the server, or correct host and port in the url.",
          );
          return true;
        },
      );
    });

    it("waits at its start for a server that comes up", async () => {
      await server.shutdown();
      const starting = start({ startTimeoutMs: 20_000 });
      await sleep(200);
      await server.restart();
      assert.ok(await starting);
    });

    it("says that user or password are wrong, without showing the password", async () => {
      await asOwner("create role limited login password 'right'");
      await assert.rejects(
        start({ url: urlFor("limited:wr0ng"), startTimeoutMs: 60_000 }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "STORE_UNAUTHORIZED");
          assert.match(
            error.message,
            /does not let user "limited" in with this password \(28P01\)\. Correct user and password/,
          );
          assert.doesNotMatch(error.message, /wr0ng/);
          return true;
        },
      );
    });

    it("says that it may not create a database, and uses one that is there", async () => {
      const store = await start({ url: urlFor("limited:right") });
      await assert.rejects(store.database("missing"), {
        code: "STORE_CREATE_REFUSED",
        message: /User "limited" may not create database "missing" .*Let the user create databases/,
      });
      await asOwner("create database missing owner limited");
      const { sql } = await store.database("missing");
      assert.deepEqual([...(await sql`select current_user as me`)], [{ me: "limited" }]);
    });

    it("says that a server has no TLS, and does not go on without", async () => {
      const url = `${urlFor("limited:right")}?sslmode=require`;
      await assert.rejects(start({ url, startTimeoutMs: 60_000 }), {
        code: "STORE_TLS_REFUSED",
        message: /PostgreSQL at 127\.0\.0\.1:\d+ does not offer TLS \(TLS_NOT_OFFERED\)\. Correct sslmode/,
      });
    });

    it("creates nothing when told so", async () => {
      const store = await start({ create: false });
      await assert.rejects(store.database("absent"), {
        code: "STORE_DATABASE_MISSING",
        message: /There is no database "absent" on .*Create it, or set create: true\./,
      });
    });

    it("creates a database once when several processes ask for it at the same time", async () => {
      const stores = await Promise.all([start(), start(), start()]);
      const all = await Promise.all(stores.map((store) => store.database("together")));
      assert.equal(new Set(all.map(({ address }) => address.database)).size, 1);
    });

    it("puts the prefix before names, also where that makes them too long", async () => {
      const store = await start({ prefix: "a-team_" });
      const { name, address, sql } = await store.database("order");
      assert.deepEqual([name, address.database], ["order", "a-team_order"]);
      assert.deepEqual([...(await sql`select current_database() as name`)], [{ name: "a-team_order" }]);
      await assert.rejects(store.database("x".repeat(60)), { code: "STORE_NAME_INVALID" });
    });

    it("goes on after the server was restarted", async () => {
      const { sql, orm } = await (await start()).database("restarts");
      await sql`create table kept as select 7 as n`;
      await server.shutdown();
      await assert.rejects(async () => sql`select n from kept`);
      await server.restart();
      await eventually(async () => (await sql`select n from kept`)[0]?.n === 7);
      await eventually(async () => (await orm.execute("select n from kept")).length === 1);
    });

    it("cancels statements that run too long and transactions that do nothing", async () => {
      const store = await start({ statementTimeoutMs: 100, idleTransactionTimeoutMs: 100 });
      const { sql } = await store.database("limits");
      await assert.rejects(async () => sql`select pg_sleep(5)`, { code: "57014" });
      const idle = sql.begin(async (tx) => {
        await sleep(500);
        await tx`select 1`;
      });
      await assert.rejects(idle, (error: Error & { code?: string }) =>
        ["25P03", "CONNECTION_CLOSED"].includes(error.code ?? ""),
      );
      assert.deepEqual([...(await sql`select 1 as one`)], [{ one: 1 }]);
    });

    it("opens no more connections than the pool size, and closes them when they are idle", async () => {
      const store = await start({ poolSize: 3, idleTimeoutMs: 3000 });
      const { sql, address } = await store.database("pools");
      const watcher = driver(server.url, { max: 1 });
      await watcher`select 1`; // connected before there is anything to see
      await Promise.all(Array.from({ length: 20 }, () => sql`select pg_sleep(0.01)`));
      const count = async () => {
        const [row] =
          await watcher`select count(*)::int as n from pg_stat_activity where datname = ${address.database}`;
        return row?.n as number;
      };
      assert.equal(await count(), 3);
      await eventually(async () => (await count()) === 0);
      await watcher.end();
      assert.deepEqual([...(await sql`select 1 as one`)], [{ one: 1 }]);
    });

    it("refuses a url that is none before anything starts", async () => {
      await assert.rejects(start({ url: "localhost" }), {
        name: "TypeError",
        message: /url: must look like postgres:/,
      });
      await assert.rejects(start({ url: undefined }), { name: "TypeError", message: /url/ });
    });
  },
);

const authority = testAuthority();
const certificate = authority.issue("database", ["localhost"]);
const dir = mkdtempSync(join(tmpdir(), "store-postgres-"));
const ca = join(dir, "ca.pem");
writeFileSync(ca, authority.ca);
const other = join(dir, "other.pem");
writeFileSync(other, testAuthority("Somebody else").ca);

await onServer(
  "store/postgres on a server with TLS",
  () => postgresServer({ certificate }),
  ({ address }) => {
    after(() => rmSync(dir, { recursive: true, force: true }));
    const url = (host: string, parameters: string) =>
      `postgres://${address.username}:${address.password}@${host}:${address.port}/postgres?${parameters}`;

    async function encrypted(host: string, parameters: string): Promise<boolean> {
      const options = { url: url(host, parameters), startTimeoutMs: 300 };
      const { api, stop } = await startPlugin<Store>(postgres, { options });
      try {
        const { sql } = await api.database("secrets");
        const [row] = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
        return row?.ssl as boolean;
      } finally {
        await stop?.();
      }
    }

    it("encrypts when told so", async () => {
      assert.equal(await encrypted("localhost", "sslmode=require"), true);
      assert.equal(await encrypted("localhost", "sslmode=disable"), false);
    });

    it("believes only the host whose certificate a trusted authority has issued", async () => {
      assert.equal(await encrypted("localhost", `sslmode=verify-full&sslrootcert=${ca}`), true);
      await assert.rejects(encrypted("localhost", "sslmode=verify-full"), {
        code: "STORE_TLS_REFUSED",
        message: /certificate of PostgreSQL at localhost:\d+ is not believed/,
      });
      await assert.rejects(encrypted("localhost", `sslmode=verify-full&sslrootcert=${other}`), {
        code: "STORE_TLS_REFUSED",
        message: /certificate of PostgreSQL at localhost:\d+ is not believed .*Correct sslmode, sslrootcert/,
      });
      await assert.rejects(encrypted("127.0.0.1", `sslmode=verify-full&sslrootcert=${ca}`), {
        code: "STORE_TLS_REFUSED",
        message: /at 127\.0\.0\.1:\d+ is not believed \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
      });
    });

    it("says which certificate file is missing", async () => {
      await assert.rejects(encrypted("localhost", "sslmode=verify-full&sslrootcert=/no/such.pem"), {
        code: "STORE_TLS_REFUSED",
        message: /\/no\/such\.pem/,
      });
    });
  },
);
