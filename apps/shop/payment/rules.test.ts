import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import { chargeStep, checkAmount, checkFunds, checkTopUp, maxTopUpCents, pointsFor } from "./rules.ts";

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
const wanted = { userId: "u", cents: 100n, currency: "EUR" };

describe("rules of payment", () => {
  it("charges an order once", () => {
    assert.equal(chargeStep(undefined, wanted), "do");
    assert.equal(chargeStep({ ...wanted, state: "CHARGED" }, wanted), "nothing");
  });

  it("does not charge again what was given back or made void", () => {
    for (const state of ["REFUNDED", "VOID"] as const)
      assert.throws(() => chargeStep({ ...wanted, state }, wanted), reason("PAYMENT_VOID"));
  });

  it("refuses another charge for the same order", () => {
    for (const other of [{ cents: 101n }, { userId: "v" }, { currency: "USD" }])
      assert.throws(() => chargeStep({ ...wanted, ...other, state: "CHARGED" }, wanted), reason("PAYMENT_DIFFERS"));
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
