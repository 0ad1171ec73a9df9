import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import { checkPayable, mergeItems, type Offer, price, type Status, sameItems } from "./rules.ts";

const badItems = (error: unknown) => error instanceof StatusError && error.reason === "BAD_ITEMS";
const offer = (sku: string, cents: bigint, currency = "EUR"): Offer => ({
  sku,
  name: sku,
  image: sku,
  cents,
  currency,
});
const item = fc.record({ sku: fc.constantFrom("a", "b", "c"), quantity: fc.integer({ min: 1, max: 9 }) });

describe("rules of orders", () => {
  it("adds up items of one product", () => {
    const items = [
      { sku: "a", quantity: 1 },
      { sku: "b", quantity: 2 },
      { sku: "a", quantity: 3 },
    ];
    assert.deepEqual(mergeItems(items), [
      { sku: "a", quantity: 4 },
      { sku: "b", quantity: 2 },
    ]);
  });

  it("refuses what cannot be ordered", () => {
    assert.throws(() => mergeItems([]), badItems);
    for (const quantity of [0, -1, 0.5, 100]) assert.throws(() => mergeItems([{ sku: "a", quantity }]), badItems);
    const many = Array.from({ length: 51 }, (_, index) => ({ sku: String(index), quantity: 1 }));
    assert.throws(() => mergeItems(many), badItems);
  });

  it("prices to the cent", () => {
    const priced = price([{ sku: "a", quantity: 3 }], [offer("a", 1999n)]);
    assert.equal(priced.totalCents, 5997n);
    assert.equal(priced.currency, "EUR");
    assert.throws(() => price([{ sku: "a", quantity: 1 }], []), badItems);
    const two = [
      { sku: "a", quantity: 1 },
      { sku: "b", quantity: 1 },
    ];
    assert.throws(() => price(two, [offer("a", 1n), offer("b", 1n, "USD")]), badItems);
  });

  it("sees the same items in any order, and no others", () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (items) => {
        const merged = mergeItems(items);
        assert.ok(sameItems(merged, [...merged].reverse()));
        const [first, ...rest] = merged;
        assert.ok(first && !sameItems(merged, rest));
        assert.ok(!sameItems(merged, [{ ...first, quantity: first.quantity + 1 }, ...rest]));
      }),
    );
  });

  it("lets an order be paid that awaits it and whose time is not over, and says why not else", () => {
    const check = (status: Status, overdue = false, cancelReason = "") =>
      checkPayable({ status, overdue, cancelReason });
    const no = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
    check("AWAITING_PAYMENT");
    assert.throws(() => check("AWAITING_PAYMENT", true), no("PAYMENT_EXPIRED"));
    assert.throws(() => check("CANCELLED", true, "PAYMENT_EXPIRED"), no("PAYMENT_EXPIRED"));
    assert.throws(() => check("CANCELLED", true, "CANCELLED_BY_CUSTOMER"), no("ORDER_CANCELLED"));
    assert.throws(() => check("CANCELLING"), no("ORDER_CANCELLED"));
    for (const status of ["PAID", "COMPLETED"] as const) assert.throws(() => check(status, true), no("ALREADY_PAID"));
    assert.throws(() => check("PENDING"), no("NOT_PAYABLE"));
  });
});
