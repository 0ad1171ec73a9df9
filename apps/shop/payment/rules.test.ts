import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import { checkAmount, checkFunds, checkTopUp, checkUntouched, maxTopUpCents, pointsFor } from "./rules.ts";

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;

describe("rules of payment", () => {
  it("touches the payment of an order once, and says what was done before", () => {
    checkUntouched(undefined);
    const reasons = {
      HELD: "PAYMENT_UNDER_WAY",
      CHARGED: "ALREADY_PAID",
      REFUNDED: "PAYMENT_VOID",
      VOID: "PAYMENT_VOID",
    } as const;
    for (const [state, expected] of Object.entries(reasons))
      assert.throws(() => checkUntouched(state as keyof typeof reasons), reason(expected));
  });

  it("never takes more than a wallet holds and has not set aside", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 9n });
    fc.assert(
      fc.property(amount, amount, amount, (free, heldCents, cents) => {
        const check = () => checkFunds({ balanceCents: free + heldCents, heldCents }, cents);
        if (free < cents) assert.throws(check, reason("INSUFFICIENT_FUNDS"));
        else check();
      }),
    );
  });

  it("gives a point for each whole euro", () => {
    assert.deepEqual([99n, 100n, 1_999n].map(pointsFor), [0n, 1n, 19n]);
  });

  it("takes only sensible amounts in the wallet's currency", () => {
    checkAmount({ cents: 1n, currency: "EUR" }, "EUR");
    assert.throws(() => checkAmount({ cents: 0n, currency: "EUR" }, "EUR"), reason("BAD_AMOUNT"));
    assert.throws(() => checkAmount({ cents: 1n, currency: "USD" }, "EUR"), reason("BAD_AMOUNT"));
    checkTopUp(maxTopUpCents);
    assert.throws(() => checkTopUp(maxTopUpCents + 1n), reason("BAD_AMOUNT"));
  });
});
