import assert from "node:assert/strict";
import { it } from "node:test";
import { Desk, eventually, onServer, postgresServer } from "@mortise/kernel/testing";
import { bankApp } from "./bank.fixture.ts";

const order = { transaction: "pay", key: "", from: "alice", to: "bob", cents: 100n, sponsor: "carol", settled: true };
const final = ["xa", "3pc", "tcc", "saga"];
const accepting = ["outbox", "message", "best-effort"];

await onServer(
  "transactions over three banks",
  () => postgresServer({ ours: true }),
  (server) => {
    let count = 0;
    const prefix = () => `t${count++}_`;

    for (const strategy of [...final, ...accepting]) {
      it(`pays by ${strategy}`, async () => {
        await using app = await bankApp({ server, strategy, prefix: prefix() });
        const desk = app.clients.client(Desk);
        const { gid, status, reason } = await desk.run(order);
        assert.deepEqual([status, reason], [final.includes(strategy) ? "committed" : "pending", ""]);
        assert.equal((await desk.wait({ transaction: "pay", gid })).status, "committed");
        await eventually(async () => (await app.balance("third_bank", "bonus")) === 1n);
        assert.equal(await app.balance("own_bank", "alice"), 900n);
        assert.equal(await app.balance("second_bank", "bob"), 1_100n);
      });

      it(`leaves nothing of what is refused by ${strategy}`, async () => {
        await using app = await bankApp({ server, strategy, prefix: prefix() });
        const desk = app.clients.client(Desk);
        const { status, reason, gid } = await desk.run({ ...order, cents: 5_000n });
        assert.deepEqual([status, reason], ["aborted", "TOO_LITTLE"]);
        assert.equal((await desk.wait({ transaction: "pay", gid })).status, "aborted");
        assert.equal(await app.balance("own_bank", "alice"), 1_000n);
        assert.equal(await app.balance("second_bank", "bob"), 1_000n);
      });

      it(`gives the same outcome for the same key by ${strategy}`, async () => {
        await using app = await bankApp({ server, strategy, prefix: prefix() });
        const desk = app.clients.client(Desk);
        const keyed = { ...order, key: "once" };
        const all = await Promise.all(Array.from({ length: 5 }, () => desk.run(keyed)));
        const again = await desk.run(keyed);
        assert.equal(new Set([...all, again].map(({ gid }) => gid)).size, 1);
        await eventually(async () => (await app.balance("second_bank", "bob")) === 1_100n);
        assert.equal(await app.balance("own_bank", "alice"), 900n);
      });
    }

    for (const strategy of final) {
      it(`collects from two banks, or from none, by ${strategy}`, async () => {
        await using app = await bankApp({ server, strategy, prefix: prefix() });
        const desk = app.clients.client(Desk);
        const collecting = { ...order, transaction: "collect", settled: true };
        assert.equal((await desk.run(collecting)).status, "committed");
        assert.equal(await app.balance("third_bank", "bob"), 1_200n);
        assert.deepEqual((await desk.run({ ...collecting, cents: 950n })).reason, "TOO_LITTLE");
        assert.equal(await app.total(), 9_000n);
        assert.equal(await app.balance("own_bank", "alice"), 900n);
      });
    }

    it("asks a bank that was taken away until it is there again", async () => {
      await using app = await bankApp({ server, strategy: "tcc", prefix: prefix() });
      const desk = app.clients.client(Desk);
      const collecting = { ...order, transaction: "collect" };
      assert.equal((await desk.run(collecting)).status, "committed");
      await app.without({ second: true });
      const several = [1, 2, 3].map(() => desk.run(collecting));
      await eventually(async () => (await app.balance("own_bank", "alice")) === 600n);
      await app.without({});
      for (const running of several) assert.equal((await running).status, "committed");
      assert.equal(await app.balance("third_bank", "bob"), 1_800n);
    });

    it("says what cannot go on when a strategy is taken away, and goes on with it when that is back", async () => {
      const options = {
        "transactions/runtime": { leaseMs: 3_000, recoverEveryMs: 100, driveTimeoutMs: 200, attempts: 2 },
      };
      await using app = await bankApp({ server, strategy: "saga", prefix: prefix(), options });
      const desk = app.clients.client(Desk);
      await app.without({ second: true });
      const running = desk.run({ ...order, transaction: "collect", key: "left" });
      await eventually(async () => (await app.balance("own_bank", "alice")) === 900n);
      await app.without({ second: true, strategy: "saga" });
      const errors = () => app.log.lines.filter(({ level }) => level === "error").map(({ message }) => message);
      await eventually(() => errors().length > 1, 30_000);
      const [counted, named] = errors();
      assert.match(counted ?? "", /^transaction collect: DTX011 saga: 1 under way began with this strategy/);
      assert.match(
        named ?? "",
        /^transaction collect [0-9a-f-]{36} cannot go on: DTX011: its strategy "saga" is not there/,
      );
      const { sql } = await app.store().database("mortise_transactions");
      await eventually(async () =>
        (await sql`select last_error from mortise_transaction`)[0]?.last_error.startsWith("DTX011: "),
      );
      await app.without({});
      const { gid } = await running;
      assert.equal((await desk.wait({ transaction: "collect", gid })).status, "committed");
      assert.equal(errors().length, 2);
    });

    it("moves within one bank in one database transaction, whatever the strategy", async () => {
      await using app = await bankApp({ server, strategy: "local", prefix: prefix() });
      const desk = app.clients.client(Desk);
      for (const strategy of ["local", ...final, ...accepting]) {
        await app.strategy(strategy);
        assert.equal((await desk.run({ ...order, transaction: "move", cents: 10n })).status, "committed");
      }
      const { sql } = await app.store().database("mortise_transactions");
      assert.equal((await sql`select 1 from mortise_transaction`).length, 0);
      assert.equal(await app.balance("own_bank", "bob"), 1_080n);
    });

    it("swaps the strategy while transactions run, without losing one", async () => {
      await using app = await bankApp({ server, strategy: "tcc", prefix: prefix() });
      const desk = app.clients.client(Desk);
      const outcomes: string[] = [];
      let over = false;
      const clerk = async () => {
        while (!over) outcomes.push((await desk.run({ ...order, cents: 1n, settled: false })).status);
      };
      const clerks = Array.from({ length: 4 }, clerk);
      for (const strategy of [...final, ...accepting]) {
        await app.strategy(strategy);
        const from = outcomes.length;
        await eventually(() => outcomes.length > from + 20, 60_000);
      }
      over = true;
      await Promise.all(clerks);
      assert.ok(outcomes.every((status) => status === "committed" || status === "pending"));
      const paid = BigInt(outcomes.length);
      await eventually(async () => (await app.balance("second_bank", "bob")) === 1_000n + paid, 60_000);
      await eventually(async () => (await app.balance("third_bank", "bonus")) === paid, 60_000);
      assert.equal(await app.balance("own_bank", "alice"), 1_000n - paid);
    });
  },
);
