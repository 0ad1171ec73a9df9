import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crowd, limiterConformance } from "@mortise/kernel/spi/limiter.conformance";
import { sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { tokenBucket, tokenBucketLimiter } from "./token-bucket.ts";

limiterConformance({
  name: "token-bucket",
  make: () => ({ subject: { make: (ports) => tokenBucketLimiter(ports.clock), fields: { rate: 10 }, keyed: true } }),
});

describe("limiter/token-bucket", () => {
  const made = (fields: Record<string, unknown>) => {
    const ports = virtualPorts();
    const limit = tokenBucketLimiter(ports.clock).limit(sampleSite({ policy: { fields } }));
    assert.ok(limit);
    return { ports, limit };
  };

  it("never lets through more than burst and rate allow, and no less", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 30 })), { maxLength: 30 }),
        async (rate, burst, steps) => {
          const { ports, limit } = made({ rate, burst });
          let tokens = burst;
          for (const [wait, calls] of steps) {
            await ports.advance(wait);
            tokens = Math.min(burst, tokens + (wait * rate) / 1000);
            const passed = (await crowd(limit, calls)).length;
            const expected = Math.min(calls, Math.floor(tokens + 1e-6));
            assert.ok(Math.abs(passed - expected) <= (Math.abs(tokens - Math.round(tokens)) < 1e-3 ? 1 : 0));
            tokens -= passed;
          }
        },
      ),
    );
  });

  it("says after how long a token is there", async () => {
    const { ports, limit } = made({ rate: 4, burst: 1 });
    await crowd(limit, 1);
    assert.deepEqual(await limit.acquire(""), { retryAfterMs: 250 });
    await ports.advance(250);
    assert.equal((await crowd(limit, 1)).length, 1);
  });

  it("is the plugin limiter/token-bucket", () => assert.equal(tokenBucket.id, "limiter/token-bucket"));
});
