import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import {
  checkAvailable,
  deductStep,
  freezeStep,
  type Level,
  mergeLines,
  type ReservationState,
  releaseEffect,
  searchPatterns,
} from "./rules.ts";

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;

describe("rules of stock", () => {
  it("adds up lines of one product and orders them", () => {
    const lines = [
      { sku: "b", quantity: 1 },
      { sku: "a", quantity: 2 },
      { sku: "b", quantity: 3 },
    ];
    assert.deepEqual(mergeLines(lines), [
      { sku: "a", quantity: 2 },
      { sku: "b", quantity: 4 },
    ]);
  });

  it("refuses quantities that make no sense", () => {
    for (const quantity of [0, -1, 1.5, 1001, Number.NaN])
      assert.throws(() => mergeLines([{ sku: "a", quantity }]), reason("BAD_QUANTITY"));
    assert.throws(() => mergeLines([]), reason("BAD_QUANTITY"));
  });

  it("promises nothing that is not there", () => {
    const levels = [{ sku: "a", onHand: 5, frozen: 3 }];
    checkAvailable([{ sku: "a", quantity: 2 }], levels);
    assert.throws(() => checkAvailable([{ sku: "a", quantity: 3 }], levels), reason("OUT_OF_STOCK"));
    assert.throws(() => checkAvailable([{ sku: "b", quantity: 1 }], levels), reason("NO_SUCH_PRODUCT"));
  });

  it("ends at the level it began with when an order is given back, whatever was done and repeated before", () => {
    const action = fc.constantFrom("freeze", "deduct", "release");
    fc.assert(
      fc.property(fc.array(action, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (actions, quantity) => {
        const start: Level = { sku: "a", onHand: 10, frozen: 0 };
        let level = start;
        let state: ReservationState | undefined;
        for (const next of [...actions, "release"] as const) {
          if (next === "freeze" && freezeStep(state) === "do") {
            level = { ...level, frozen: level.frozen + quantity };
            state = "FROZEN";
          } else if (next === "deduct" && deductStep(state) === "do") {
            level = { ...level, onHand: level.onHand - quantity, frozen: level.frozen - quantity };
            state = "DEDUCTED";
          } else if (next === "release") {
            const effect = releaseEffect(state ?? "RELEASED");
            level = {
              ...level,
              onHand: level.onHand + effect.onHand * quantity,
              frozen: level.frozen + effect.frozen * quantity,
            };
            state = "RELEASED";
          }
          assert.ok(level.frozen >= 0 && level.frozen <= level.onHand);
        }
        assert.deepEqual(level, start);
      }),
    );
  });

  it("never freezes an order again that was released", () => {
    assert.equal(freezeStep("RELEASED"), "refuse");
    assert.equal(deductStep("RELEASED"), "refuse");
  });

  it("takes the signs of LIKE in a search literally", () =>
    assert.deepEqual(searchPatterns(" 50% oak_ "), ["%50\\%%", "%oak\\_%"]));
});
