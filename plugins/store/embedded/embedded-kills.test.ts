import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Running, Store } from "@mortise/kernel";
import { isRunning, processIdentity } from "@mortise/kernel/processes/identity";
import { eventually, keptLog, startPlugin } from "@mortise/kernel/testing";
import { embedded } from "./embedded.ts";
import { guardsOf, newDataDir, nothingRunsIn, postmasterOf, processesIn, startApp } from "./processes.fixture.ts";

const running: Running<Store>[] = [];
const start = async (dataDir: string, more: object = {}, log = keptLog()) => {
  const store = await startPlugin<Store>(embedded, { options: { dataDir, ...more }, log });
  running.push(store);
  return store;
};

/** Opens the database the app wrote to and checks that it holds all that was safe. */
async function assertHolds(dataDir: string, safe: readonly number[]): Promise<void> {
  const { api, stop } = await start(dataDir);
  try {
    const { sql } = await api.database("numbers");
    const rows = await sql`select n from numbers`;
    const found = new Set(rows.map(({ n }) => n));
    assert.deepEqual(
      safe.filter((n) => !found.has(n)),
      [],
    );
  } finally {
    await stop?.();
  }
}

/** Kills the server and waits until another one runs, and nobody of the old one. */
async function killServer(dataDir: string): Promise<void> {
  const old = processesIn(dataDir).flatMap(({ pid }) => processIdentity(pid) ?? []);
  const pid = postmasterOf(dataDir);
  process.kill(pid, "SIGKILL");
  await eventually(() => !old.some(isRunning) && postmasterOf(dataDir) !== pid, 60_000);
}

const answers = async ({ sql }: Database) => (await sql`select 1 as one`)[0]?.one === 1;

describe("store/embedded when something is killed", () => {
  const made = newDataDir();
  let dataDir = "";
  before(async () => (await startPlugin<Store>(embedded, { options: { dataDir: made } })).stop?.());
  after(() => rmSync(made, { recursive: true, force: true }));
  beforeEach(() => {
    dataDir = newDataDir();
    execFileSync("cp", ["-a", `${made}/.`, dataDir]); // making the data takes a second
  });
  const unmake = () => rmSync(join(dataDir, "data"), { recursive: true });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async ({ stop }) => stop?.()));
    await nothingRunsIn(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  });

  it("leaves no process behind when the app is killed, and keeps what was safe", async () => {
    const app = startApp(dataDir);
    await app.ready;
    await eventually(() => app.safe.length > 20);
    assert.ok(processesIn(dataDir).length > 3);
    await app.kill();
    await nothingRunsIn(dataDir);
    await assertHolds(dataDir, app.safe);
  });

  it("keeps what was safe over kills at any moment, starts included", async () => {
    unmake();
    const safe: number[] = [];
    for (const [i, waitMs] of [10, 300, 600, 1000, 3, 30, 100, 0, 10, 50].entries()) {
      const app = startApp(dataDir);
      if (i > 3) await eventually(() => app.safe.length > 0, 60_000); // the first kills hit the start
      await sleep(waitMs);
      await app.kill();
      safe.push(...app.safe);
    }
    assert.ok(safe.length > 6);
    await nothingRunsIn(dataDir);
    await assertHolds(dataDir, safe);
    assert.deepEqual(readdirSync(dataDir), ["data"]);
  });

  it("is served again by the same app when the server is killed", async () => {
    const log = keptLog();
    const { api, stop } = await start(dataDir, {}, log);
    const database = await api.database("numbers");
    for (let kills = 1; kills <= 3; kills++) {
      const transaction = database.sql.begin(async (tx) => {
        await tx`select 1`;
        await killServer(dataDir);
        await tx`select 2`;
      });
      await assert.rejects(transaction, { code: "CONNECTION_CLOSED" });
      await eventually(() => answers(database), 60_000);
    }
    assert.equal(log.lines.filter(({ message }) => /ended unexpectedly/.test(message)).length, 3);
    await stop?.();
  });

  it("leaves nothing behind when app and server are killed together", async () => {
    const app = startApp(dataDir);
    await app.ready;
    await eventually(() => app.safe.length > 20);
    process.kill(postmasterOf(dataDir), "SIGKILL");
    await app.kill();
    await nothingRunsIn(dataDir);
    await assertHolds(dataDir, app.safe);
  });

  it("stops and succeeds a server whose app and guards are all gone", async () => {
    const app = startApp(dataDir);
    const { port } = await app.ready;
    await eventually(() => app.safe.length > 20);
    const orphan = postmasterOf(dataDir);
    app.process.kill("SIGSTOP"); // or it would start the server again
    for (const guard of guardsOf(dataDir)) process.kill(guard, "SIGKILL");
    await app.kill();
    await sleep(100);
    assert.ok(processIdentity(orphan), "the server has lost everybody who would stop it");
    const log = keptLog();
    const { api, stop } = await start(dataDir, { port }, log);
    assert.ok(log.lines.some(({ message, fields }) => /left behind/.test(message) && fields.pid === orphan));
    assert.notEqual(postmasterOf(dataDir), orphan);
    assert.ok(await answers(await api.database("numbers")));
    await stop?.();
    await assertHolds(dataDir, app.safe);
  });

  it("goes on when only the guards are killed", async () => {
    const { api, stop } = await start(dataDir);
    const database = await api.database("numbers");
    const before = postmasterOf(dataDir);
    for (const guard of guardsOf(dataDir)) process.kill(guard, "SIGKILL");
    await eventually(() => postmasterOf(dataDir) !== before, 60_000);
    await eventually(() => answers(database), 60_000);
    await stop?.();
  });

  it("keeps a prepared transaction over a kill", async () => {
    const first = await start(dataDir);
    const { sql } = await first.api.database("numbers");
    await sql`create table numbers (n int)`;
    await sql.begin(async (tx) => {
      await tx`insert into numbers values (42)`;
      await tx.prepare("kept");
    });
    await killServer(dataDir);
    await eventually(async () => (await sql`select gid from pg_prepared_xacts`)[0]?.gid === "kept", 60_000);
    await sql.unsafe("commit prepared 'kept'");
    assert.deepEqual([...(await sql`select n from numbers`)], [{ n: 42 }]);
    await first.stop?.();
  });

  it("takes a lock file with a recycled process id for what it is", async () => {
    await (await start(dataDir)).stop?.();
    const lock = join(dataDir, "data/postmaster.pid");
    writeFileSync(lock, `${process.pid}\n${join(dataDir, "data")}\n1\n5432\n\n127.0.0.1\n`);
    const { api, stop } = await start(dataDir);
    assert.ok(await answers(await api.database("numbers")));
    assert.notEqual(postmasterOf(dataDir), process.pid);
    await stop?.();
    assert.equal(existsSync(lock), false);
  });

  it("refuses a second app on the same data and leaves the first alone", async () => {
    const first = startApp(dataDir);
    await first.ready;
    const second = startApp(dataDir);
    const { name, message } = await second.failed;
    assert.equal(name, "StoreError");
    assert.equal(
      message,
      `${join(dataDir, "data")} is in use by the app with process id ${first.process.pid}. ` +
        "Stop the other app, or give this one a dataDir of its own.",
    );
    const before = first.safe.length;
    await eventually(() => first.safe.length > before + 20);
    await first.kill();
  });

  it("refuses a second store of the same process on the same data", async () => {
    const { api, stop } = await start(dataDir);
    await assert.rejects(start(dataDir), {
      code: "STORE_DATA_IN_USE",
      message: /is in use by another store of this process\./,
    });
    assert.ok(await answers(await api.database("numbers")));
    await stop?.();
  });

  it("lets one of several apps win that make the data at the same time", async () => {
    unmake();
    const apps = [1, 2, 3].map(() => startApp(dataDir));
    const outcomes = await Promise.all(
      apps.map(({ ready, failed }) => Promise.race([ready.then(() => "ready"), failed.then(({ message }) => message)])),
    );
    assert.equal(outcomes.filter((outcome) => outcome === "ready").length, 1, outcomes.join("\n"));
    for (const outcome of outcomes.filter((one) => one !== "ready")) assert.match(outcome, /is in use by the app/);
    await Promise.all(apps.map(({ kill }) => kill()));
  });

  it("leaves nothing behind when its start is given up", async () => {
    unmake();
    for (const afterMs of [0, 100, 600]) {
      const signal = AbortSignal.timeout(afterMs);
      const starting = startPlugin<Store>(embedded, { options: { dataDir }, signal });
      await starting.then(
        ({ stop }) => stop?.(),
        (error: unknown) => assert.equal((error as Error).name, "TimeoutError"),
      );
      await nothingRunsIn(dataDir);
    }
  });

  it("keeps its password between starts and shows it to nobody else", async () => {
    await (await start(dataDir)).stop?.();
    const file = join(dataDir, "data/mortise.password");
    const password = readFileSync(file, "utf8");
    assert.match(password, /^[0-9a-f]{48}$/);
    const { api, stop } = await start(dataDir);
    assert.equal((await api.database("numbers")).address.password, password);
    await stop?.();
  });
});
