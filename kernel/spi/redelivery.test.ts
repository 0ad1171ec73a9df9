import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { redelivery, waitAfterMs } from "./redelivery.ts";

it("the wait before the next delivery doubles and never exceeds its limit", () => {
  const given = redelivery({ backoffMs: 100, maxBackoffMs: 1000 });
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((attempt) => waitAfterMs(attempt, given)),
    [100, 200, 400, 800, 1000, 1000],
  );
  const attempts = fc.integer({ min: 1, max: 5000 });
  fc.assert(
    fc.property(attempts, fc.nat(), fc.nat(), (attempt, backoffMs, maxBackoffMs) => {
      const options = redelivery({ backoffMs, maxBackoffMs });
      const wait = waitAfterMs(attempt, options);
      assert.ok(wait >= 0 && wait <= maxBackoffMs && wait <= waitAfterMs(attempt + 1, options));
    }),
  );
});

it("a subscription without options has the defaults of the contract", () => {
  assert.deepEqual(redelivery(), { maxAttempts: 8, backoffMs: 100, maxBackoffMs: 10_000, concurrency: 16 });
});
