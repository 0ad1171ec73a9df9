import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import { serviceDatabase } from "../shared/database.fixture.ts";
import { ledger, type Wanted } from "./ledger.ts";

const { orm } = await serviceDatabase("payment");
const kept = ledger(orm, { cents: 50_000n, currency: "EUR" });
const books = {
  ...kept,
  hold: (orderId: string, wanted: Wanted) => orm.transaction((tx) => kept.hold(tx, orderId, wanted)),
  capture: (orderId: string) => orm.transaction((tx) => kept.capture(tx, orderId)),
  charge: (orderId: string, wanted: Wanted) => orm.transaction((tx) => kept.charge(tx, orderId, wanted)),
  release: (orderId: string) => orm.transaction((tx) => kept.release(tx, orderId)),
  bar: (orderId: string) => orm.transaction((tx) => kept.bar(tx, orderId)),
  unbar: (orderId: string) => orm.transaction((tx) => kept.unbar(tx, orderId)),
  async refund(orderId: string) {
    await orm.transaction((tx) => kept.refund(tx, orderId));
    return kept.payment(orderId);
  },
};

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
const costing = (userId: string, cents: bigint) => ({ userId, cents, currency: "EUR" });
let made = 0;
const fresh = (what: string) => `${what}-${++made}`;

describe("wallets", () => {
  it("are opened once with their welcome present, however many ask first", async () => {
    const userId = fresh("user");
    const balances = await Promise.all(Array.from({ length: 8 }, () => books.balance(userId)));
    assert.deepEqual(new Set(balances), new Set([50_000n]));
    assert.deepEqual(
      (await books.entries(userId, undefined, 10)).map((entry) => entry.kind),
      ["WELCOME"],
    );
  });

  it("are topped up once per request", async () => {
    const userId = fresh("user");
    await Promise.all(Array.from({ length: 6 }, () => books.topUp(userId, 1_000n, "same")));
    assert.equal(await books.topUp(userId, 500n, "other"), 51_500n);
    assert.equal(await books.balance(userId), 51_500n);
  });
});

describe("payments", () => {
  it("are taken once and given back once", async () => {
    const userId = fresh("user");
    const orderId = fresh("order");
    const charge = () => books.charge(orderId, costing(userId, 12_345n));
    const charges = await Promise.allSettled([charge(), charge(), charge()]);
    assert.equal(charges.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(charge(), reason("ALREADY_PAID"));
    assert.equal(await books.balance(userId), 37_655n);
    assert.equal((await books.refund(orderId))?.state, "REFUNDED");
    assert.equal((await books.refund(orderId))?.state, "REFUNDED");
    assert.equal(await books.balance(userId), 50_000n);
    await assert.rejects(charge(), reason("PAYMENT_VOID"));
  });

  it("are set aside before they are taken, and can then be taken or given back", async () => {
    const userId = fresh("user");
    const [taken, back] = [fresh("order"), fresh("order")];
    for (const orderId of [taken, back]) await books.hold(orderId, costing(userId, 20_000n));
    assert.equal(await books.balance(userId), 10_000n);
    await assert.rejects(books.hold(taken, costing(userId, 20_000n)), reason("PAYMENT_UNDER_WAY"));
    await assert.rejects(books.hold(fresh("order"), costing(userId, 10_001n)), reason("INSUFFICIENT_FUNDS"));
    await Promise.all([books.capture(taken), books.capture(taken), books.release(back)]);
    assert.equal(await books.balance(userId), 30_000n);
    assert.deepEqual([(await books.payment(taken))?.state, await books.payment(back)], ["CHARGED", undefined]);
    await books.hold(back, costing(userId, 20_000n)); // who could not pay tries again
    assert.equal(await books.balance(userId), 10_000n);
  });

  it("are taken or barred, whichever is first", async () => {
    const userId = fresh("user");
    for (let count = 0; count < 20; count++) {
      const orderId = fresh("order");
      const before = await books.balance(userId);
      const work = [books.bar(orderId), books.hold(orderId, costing(userId, 100n))];
      const [bar, hold] = (await Promise.allSettled(work)).map(({ status }) => status === "fulfilled");
      assert.notEqual(bar, hold);
      if (hold) await books.capture(orderId);
      assert.equal(await books.balance(userId), before - (hold ? 100n : 0n));
      await assert.rejects(books.bar(orderId), reason(hold ? "ALREADY_PAID" : "PAYMENT_VOID"));
    }
  });

  it("can be taken after all once the bar is lifted", async () => {
    const userId = fresh("user");
    const orderId = fresh("order");
    await books.bar(orderId);
    await assert.rejects(books.charge(orderId, costing(userId, 1n)), reason("PAYMENT_VOID"));
    await books.unbar(orderId);
    await books.charge(orderId, costing(userId, 1n));
    assert.equal(await books.balance(userId), 49_999n);
  });

  it("leave everything as it was when the money does not suffice", async () => {
    const userId = fresh("user");
    const orderId = fresh("order");
    await books.balance(userId);
    await assert.rejects(books.charge(orderId, costing(userId, 50_001n)), reason("INSUFFICIENT_FUNDS"));
    assert.equal(await books.balance(userId), 50_000n);
    assert.equal(await books.payment(orderId), undefined);
    assert.equal((await books.entries(userId, undefined, 10)).length, 1);
  });

  it("are void when they are given back before they are taken", async () => {
    const userId = fresh("user");
    const orderId = fresh("order");
    assert.equal((await books.refund(orderId))?.state, "VOID");
    await assert.rejects(books.charge(orderId, costing(userId, 1n)), reason("PAYMENT_VOID"));
    assert.equal(await books.balance(userId), 50_000n);
  });

  it("never take a wallet below nothing, however many draw on it at once", async () => {
    const userId = fresh("user");
    const charges = Array.from({ length: 20 }, () => books.charge(fresh("order"), costing(userId, 7_000n)));
    const paid = (await Promise.allSettled(charges)).filter((result) => result.status === "fulfilled");
    assert.equal(paid.length, 7);
    assert.equal(await books.balance(userId), 1_000n);
  });

  it("add up: every balance is the sum of its journal", async () => {
    const step = fc.record({
      kind: fc.constantFrom("charge", "refund", "topUp"),
      order: fc.nat(3),
      cents: fc.integer({ min: 1, max: 30_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const userId = fresh("user");
        const work = steps.map(({ kind, order, cents }, index) => {
          const orderId = `${userId}-${order}`;
          if (kind === "charge") return books.charge(orderId, costing(userId, BigInt(cents)));
          return kind === "refund" ? books.refund(orderId) : books.topUp(userId, BigInt(cents), String(index));
        });
        await Promise.allSettled(work);
        const balance = await books.balance(userId);
        const entries = await books.entries(userId, undefined, 100);
        assert.equal(
          entries.reduce((sum, entry) => sum + entry.cents, 0n),
          balance,
        );
        assert.ok(balance >= 0n);
      }),
      { numRuns: 40 },
    );
  });

  it("are listed from the newest to the oldest, page by page", async () => {
    const userId = fresh("user");
    for (let index = 0; index < 5; index++) await books.topUp(userId, 100n, String(index));
    const first = await books.entries(userId, undefined, 3);
    const rest = await books.entries(userId, first.at(-1)?.id, 10);
    const ids = [...first, ...rest].map((entry) => entry.id);
    assert.deepEqual(
      ids,
      [...ids].sort((a, b) => Number(b - a)),
    );
    assert.equal(rest.at(-1)?.kind, "WELCOME");
  });
});
