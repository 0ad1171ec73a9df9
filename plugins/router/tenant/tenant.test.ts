import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "@mortise/kernel";
import { routerConformance } from "@mortise/kernel/spi/router.conformance";
import { sampleCall, sampleInstance, sampleSite } from "@mortise/kernel/testing";
import { tenant, tenantRouter } from "./tenant.ts";

const shared = sampleInstance("shared");
const own = sampleInstance("own", { tags: { tenant: "acme, globex" } });
const all = Object.freeze([shared, own]);

routerConformance({
  name: "tenant",
  make: () => ({ subject: { router: tenantRouter, fields: {}, candidates: all, contexts: [{}, { tenant: "acme" }] } }),
});

describe("router/tenant", () => {
  const kept = (name: string | undefined, fields: Record<string, unknown> = {}) =>
    tenantRouter
      .route(sampleSite({ policy: { fields } }))?.(
        all,
        sampleCall(callContext(name === undefined ? {} : { tenant: name })),
      )
      .map(({ id }) => id);

  it("keeps a tenant on its own instances", () => {
    assert.deepEqual(kept("acme"), ["own"]);
    assert.deepEqual(kept("globex"), ["own"]);
  });

  it("keeps everybody else on the shared ones", () => {
    assert.deepEqual(kept("initech"), ["shared"]);
    assert.deepEqual(kept(undefined), ["shared"]);
  });

  it("refuses a tenant without instances of its own where that is asked for", () => {
    assert.deepEqual(kept("initech", { tenantForce: true }), []);
    assert.deepEqual(kept(undefined, { tenantForce: true }), ["shared"]);
  });

  it("is the plugin router/tenant", () => assert.equal(tenant.id, "router/tenant"));
});
