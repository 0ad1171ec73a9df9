import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "@mortise/kernel";
import { routerConformance } from "@mortise/kernel/spi/router.conformance";
import { sampleCall, sampleInstance, sampleSite } from "@mortise/kernel/testing";
import { zone, zoneRouter } from "./zone.ts";

const east = sampleInstance("east", { zone: "east" });
const west = sampleInstance("west", { zone: "west" });
const all = Object.freeze([east, west]);

routerConformance({
  name: "zone",
  make: () => ({
    subject: { router: zoneRouter(""), fields: {}, candidates: all, contexts: [{}, { baggage: { zone: "east" } }] },
  }),
});

describe("router/zone", () => {
  const kept = (own: string, fields: Record<string, unknown> = {}, baggage: Record<string, string> = {}) =>
    zoneRouter(own)
      .route(sampleSite({ policy: { fields } }))?.(all, sampleCall(callContext({ baggage })))
      .map(({ id }) => id);

  it("keeps calls in the zone of the caller", () => assert.deepEqual(kept("east"), ["east"]));

  it("goes by the zone a request brings before its own", () => {
    assert.deepEqual(kept("east", {}, { zone: "west" }), ["west"]);
  });

  it("leaves the zone when it has no instance, unless that is forbidden", () => {
    assert.deepEqual(kept("north"), ["east", "west"]);
    assert.deepEqual(kept("north", { zoneForce: true }), []);
  });

  it("does nothing for a process without a zone", () => assert.deepEqual(kept(""), ["east", "west"]));

  it("is the plugin router/zone", () => assert.equal(zone.id, "router/zone"));
});
