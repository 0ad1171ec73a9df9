import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { OrderStatus } from "@mortise/proto/shop/order";
import fc from "fast-check";
import type { Fate } from "../shared/services.fixture.ts";
import { testOrders } from "./orders.fixture.ts";

const impatient = { remindAfterMs: 60, remindEveryMs: 10, relayEveryMs: 10 };
const hurried = { payWithinMs: 150, expireEveryMs: 10, dropAgainMs: 60 };
const { services, store, newUser, place, placeUnpaid, pay, all, ended, settle, balance, levels, levelsBecome } =
  await testOrders({
    ...impatient,
    ...hurried,
  });
const welcome = 50_000n;

afterEach(settle);

describe("whatever is lost between the services", () => {
  it("no confirmed order is lost, nothing stays frozen, and money and goods add up", async () => {
    const fates = fc.infiniteStream(fc.constantFrom<Fate>("arrives", "arrives", "is lost", "loses its answer"));
    const items = fc.array(
      fc.record({
        sku: fc.constantFrom("stone-vase", "hand-trowel", "ledge-shelf"),
        quantity: fc.integer({ min: 1, max: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const cart = fc.record({ items, way: fc.constantFrom("pays now", "pays now", "pays later", "does not pay") });
    const carts = fc.array(cart, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fates, carts, async (stream, wanted) => {
        const before = await levels();
        const userId = newUser();
        services.fate = () => stream.next().value ?? "arrives";
        const buy = async ({ items, way }: (typeof wanted)[number]) => {
          if (way === "pays now") return place(userId, items);
          const held = await placeUnpaid(userId, items);
          return way === "pays later" ? pay(userId, held.id) : undefined;
        };
        const answers = await Promise.allSettled(wanted.map(buy));
        services.fate = () => "arrives";
        const kept = await all(userId);
        const ends = await Promise.all(kept.map((one) => ended(userId, one.id)));
        const completed = ends.filter((one) => one.status === OrderStatus.COMPLETED);
        for (const answer of answers) {
          if (answer.status === "rejected" || !answer.value) continue;
          const { id, status } = answer.value;
          if (status === OrderStatus.PENDING) continue;
          assert.ok(
            completed.some((one) => one.id === id),
            "a confirmed order was lost",
          );
        }
        const spent = completed.reduce((sum, one) => sum + one.total.cents, 0n);
        assert.equal(await balance(userId), welcome - spent);
        const sold = completed.flatMap((one) => one.lines);
        const soldOf = (sku: string) =>
          sold.filter((line) => line.sku === sku).reduce((sum, { quantity }) => sum + quantity, 0);
        await levelsBecome(before.map(({ sku, onHand }) => ({ sku, onHand: onHand - soldOf(sku), frozen: 0 })));
        await restock();
      }),
      { numRuns: 30 },
    );
  });

  async function restock(): Promise<void> {
    const { sql } = await store.database("shop_inventory");
    await sql`update stock set on_hand = 60 where sku in ('stone-vase', 'hand-trowel', 'ledge-shelf')`;
  }
});
