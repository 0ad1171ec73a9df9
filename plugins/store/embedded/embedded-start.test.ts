import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Running, Store } from "@mortise/kernel";
import { accountFor, isSuperuser } from "@mortise/kernel/processes/account";
import { freePort } from "@mortise/kernel/processes/free-port";
import { eventually, keptLog, startPlugin } from "@mortise/kernel/testing";
import { embedded } from "./embedded.ts";
import { newDataDir, nothingRunsIn, startApp } from "./processes.fixture.ts";

const onDeno = "Deno" in globalThis;

describe("store/embedded at its start", () => {
  const running: Running<Store>[] = [];
  let dir = "";
  beforeEach(() => {
    dir = newDataDir();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async ({ stop }) => stop?.()));
    await nothingRunsIn(dir);
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(options: object = {}, log = keptLog()): Promise<Store> {
    const store = await startPlugin<Store>(embedded, { options: { dataDir: join(dir, "pg"), ...options }, log });
    running.push(store);
    return store.api;
  }

  it("serves PostgreSQL 18 on the loopback interface, with its settings and those of the options", async () => {
    const port = await freePort();
    const log = keptLog();
    const api = await start({ port, maxConnections: 33, settings: { work_mem: "9MB", autovacuum: false } }, log);
    const { sql, address } = await api.database("order");
    assert.deepEqual(
      { ...address, password: "" },
      { host: "127.0.0.1", port, database: "order", username: "mortise", password: "" },
    );
    const rows = await sql`select name, current_setting(name) as value from unnest(${[
      "server_version_num",
      "listen_addresses",
      "unix_socket_directories",
      "max_connections",
      "max_prepared_transactions",
      "fsync",
      "work_mem",
      "autovacuum",
      "TimeZone",
    ]}::text[]) as name`;
    const { server_version_num: version, ...others } = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    assert.match(version, /^18\d{4}$/);
    assert.deepEqual(others, {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      max_connections: "33",
      max_prepared_transactions: "64",
      fsync: "on",
      work_mem: "9MB",
      autovacuum: "off",
      TimeZone: "UTC",
    });
    assert.deepEqual(
      log.lines.filter(({ level }) => level !== "debug").map(({ message }) => message),
      [`PostgreSQL serves on 127.0.0.1:${port}`],
    );
  });

  it("lets nobody in without the password", async () => {
    const { default: postgres } = await import("postgres");
    const { address } = await (await start()).database("order");
    const sql = postgres({ ...address, password: "guessed", max: 1 });
    await assert.rejects(async () => sql`select 1`, { code: "28P01" });
    await sql.end();
  });

  it("keeps its data readable for one account only", async () => {
    await start();
    const { mode, uid } = statSync(join(dir, "pg/data"));
    assert.equal(mode & 0o777, 0o700);
    assert.equal(uid, isSuperuser() ? accountFor("/nowhere").uid : process.getuid?.());
    assert.equal(statSync(join(dir, "pg/data/mortise.password")).mode & 0o777, 0o600);
  });

  it("says which port is taken", async () => {
    const port = await freePort();
    const other = createServer().listen(port, "127.0.0.1");
    await eventually(() => other.listening);
    await assert.rejects(start({ port }), {
      code: "STORE_PORT_TAKEN",
      message: `Port ${port} is taken by another program. Set port: 0 for any free port, or another port.`,
    });
    other.close();
  });

  it("says that a directory cannot be used", async () => {
    writeFileSync(join(dir, "file"), "");
    await assert.rejects(start({ dataDir: join(dir, "file/pg") }), {
      code: "STORE_DATA_UNUSABLE",
      message: /The data directory .*\/file\/pg cannot be used: ENOTDIR.*Give a dataDir that this account may write to/,
    });
  });

  it("says that data is of another version, and of somebody else", async () => {
    mkdirSync(join(dir, "pg/data"), { recursive: true });
    await assert.rejects(start(), { code: "STORE_DATA_UNUSABLE", message: /is not a data directory of PostgreSQL/ });
    writeFileSync(join(dir, "pg/data/PG_VERSION"), "15\n");
    await assert.rejects(start(), {
      code: "STORE_DATA_VERSION",
      message: /was made by PostgreSQL 15, and this is PostgreSQL 18\. Dump it/,
    });
    writeFileSync(join(dir, "pg/data/PG_VERSION"), "18\n");
    await assert.rejects(start(), { code: "STORE_DATA_UNUSABLE", message: /was not made by store\/embedded/ });
  });

  it("repeats PostgreSQL's words when it does not start", async () => {
    await assert.rejects(start({ settings: { shared_bufers: "1GB" } }), {
      code: "STORE_START_FAILED",
      message: /It said:\n.*unrecognized configuration parameter "shared_bufers"/,
    });
    await assert.rejects(start({ settings: { work_mem: "much" } }), {
      code: "STORE_START_FAILED",
      message: /invalid value for parameter "work_mem": "much"/,
    });
  });

  for (const [what, options, message] of [
    ["an unknown option", { datadir: "x" }, /datadir/],
    ["a port that is none", { port: 70_000 }, /port/],
    ["a setting the platform decides", { settings: { port: 5 } }, /settings\.port: is decided by store\/embedded/],
    ["a setting with no proper name", { settings: { "a b": 5 } }, /is not the name of a setting of PostgreSQL/],
    ["an empty path", { dataDir: "" }, /dataDir/],
  ] as const) {
    it(`refuses ${what} before anything starts`, async () => {
      await assert.rejects(start(options), { name: "TypeError", message });
    });
  }

  if (isSuperuser()) {
    it("works in a directory that only the superuser may enter", async () => {
      chmodSync(dir, 0o700);
      if (onDeno) return assert.rejects(start(), { code: "STORE_DATA_UNUSABLE", message: /may not enter/ });
      for (let run = 1; run <= 2; run++) {
        const { sql } = await (await start()).database("order");
        await sql`create table if not exists runs (n int)`;
        await sql`insert into runs values (${run})`;
        assert.equal((await sql`select * from runs`).length, run);
        await running.splice(0)[0]?.stop?.();
      }
      return undefined;
    });

    it("works for an account without rights, and says so when that may not write", async () => {
      const { uid } = accountFor("/nowhere");
      const own = join(dir, "own");
      mkdirSync(own);
      chownSync(own, uid, uid);
      const app = startApp(join(own, "pg"), { uid });
      await app.ready;
      await eventually(() => app.safe.length > 3);
      await app.kill();
      await nothingRunsIn(dir);
      const { name, message } = await startApp(join(dir, "not-own"), { uid }).failed;
      assert.equal(name, "StoreError");
      assert.match(message, /not-own cannot be used: EACCES/);
    });

    it("runs as the account that made the data, and tells others whose it is", async () => {
      const { uid } = accountFor("/nowhere");
      chownSync(dir, 65534, 65534);
      const first = startApp(join(dir, "pg"), { uid: 65534 });
      await first.ready;
      await first.kill();
      await nothingRunsIn(dir);
      assert.ok((await (await start()).database("numbers")).name);
      await running.splice(0)[0]?.stop?.();
      if (uid === 65534) return;
      const { message } = await startApp(join(dir, "pg"), { uid }).failed;
      assert.match(message, new RegExp(`pg cannot be used|belongs to account 65534, and this is account ${uid}`));
    });
  }
});
