import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "@mortise/kernel";
import { routerConformance } from "@mortise/kernel/spi/router.conformance";
import { sampleCall, sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { bucketOf } from "./bucket.ts";
import { canary, canaryRouter } from "./canary.ts";

const old = sampleInstance("old", { version: "1" });
const fresh = sampleInstance("fresh", { version: "2" });
const all = Object.freeze([old, fresh]);
const policy = (percent: number, stickyOn: string[] = []) => ({ canary: { version: "2", percent, stickyOn } });

const { low, high } = (() => {
  const keys = Array.from({ length: 1000 }, (_, i) => `t${i}`);
  return { low: keys.find((key) => bucketOf(key) < 50) ?? "", high: keys.find((key) => bucketOf(key) >= 50) ?? "" };
})();

routerConformance({
  name: "canary",
  make: () => ({
    subject: {
      router: canaryRouter(virtualPorts().random),
      fields: policy(50, ["tenant"]),
      candidates: all,
      contexts: [{ tenant: low }, { tenant: high }],
    },
  }),
});

describe("router/canary", () => {
  const share = (fields: Record<string, unknown>, key: (i: number) => string, candidates = all, times = 10_000) => {
    const route = canaryRouter(virtualPorts().random).route(sampleSite({ policy: { fields } }));
    assert.ok(route);
    let canaries = 0;
    for (let i = 0; i < times; i++) {
      const call = sampleCall(callContext(), { request: { key: key(i), number: i } });
      if (route(candidates, call).includes(fresh)) canaries++;
    }
    return canaries / times;
  };

  it("sends its percentage of the calls to the new version", () => {
    for (const percent of [0, 1, 10, 50, 99, 100]) {
      assert.ok(Math.abs(share(policy(percent), String) - percent / 100) < 0.02, `${percent} %`);
    }
  });

  it("sends its percentage of the keys there, and every key always the same way", () => {
    assert.ok(Math.abs(share(policy(10, ["key"]), (i) => `user-${i}`) - 0.1) < 0.02);
    assert.ok([0, 1].includes(share(policy(10, ["key"]), () => "user-7")));
  });

  it("keeps a key on the new version when the percentage grows", () => {
    const chosen = (key: string, percent: number) => share(policy(percent, ["key"]), () => key, all, 1) === 1;
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), percent, percent, (key, x, y) => {
        assert.ok(!chosen(key, Math.min(x, y)) || chosen(key, Math.max(x, y)));
      }),
    );
  });

  it("gives all to the side that has instances", () => {
    assert.equal(share(policy(0), String, Object.freeze([fresh])), 1);
    assert.equal(share(policy(100), String, Object.freeze([old])), 0);
  });

  it("is the plugin router/canary", () => assert.equal(canary.id, "router/canary"));
});
