import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import { discountCents, redeemStep } from "./rules.ts";

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
const campaign = { code: "A", title: "a", percent: 10, minimumCents: 1_000 };

describe("rules of coupons", () => {
  it("take off their part, in whole cents, never more than the price", () => {
    assert.equal(discountCents(campaign, 1_999n), 199n);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.bigInt({ min: 0n, max: 10n ** 9n }), (percent, price) => {
        const off = discountCents({ ...campaign, percent, minimumCents: 0 }, price);
        assert.ok(off >= 0n && off <= price);
      }),
    );
  });

  it("refuse what is no coupon, or for larger orders", () => {
    assert.throws(() => discountCents(undefined, 1n), reason("NO_SUCH_COUPON"));
    assert.throws(() => discountCents(campaign, 999n), reason("COUPON_MINIMUM"));
  });

  it("are taken by one order", () => {
    assert.deepEqual([redeemStep(undefined, "a"), redeemStep("a", "a")], ["do", "nothing"]);
    assert.throws(() => redeemStep("a", "b"), reason("COUPON_USED"));
  });
});
