import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ContextChanges, callContext } from "@mortise/kernel";
import { routerConformance } from "@mortise/kernel/spi/router.conformance";
import { sampleCall, sampleInstance, sampleSite } from "@mortise/kernel/testing";
import { condition, conditionRouter } from "./condition.ts";
import { parseRule } from "./rule.ts";

const a = sampleInstance("a", { address: "10.0.0.1:20880", zone: "hangzhou", version: "1", tags: { cores: "4" } });
const b = sampleInstance("b", { address: "10.0.0.2:20881", zone: "shanghai", version: "2", tags: { cores: "16" } });
const c = sampleInstance("c", { address: "10.1.0.1:20880", zone: "hangzhou", version: "2" });
const all = Object.freeze([a, b, c]);

routerConformance({
  name: "condition",
  make: () => ({
    subject: {
      router: conditionRouter,
      fields: { conditions: ["tenant=acme => zone=hangzhou"] },
      candidates: all,
      contexts: [{}, { tenant: "acme" }],
    },
  }),
});

describe("router/condition", () => {
  const kept = (conditions: readonly string[], changes: ContextChanges = {}, conditionForce = false) =>
    conditionRouter
      .route(sampleSite({ policy: { fields: { conditions, conditionForce } } }))?.(
        all,
        sampleCall(callContext(changes), { request: { key: "vip", number: 7 } }),
      )
      .map(({ id }) => id);

  it("knows what an instance has", () => {
    assert.deepEqual(kept(["=> host=10.0.0.1"]), ["a"]);
    assert.deepEqual(kept(["=> host=10.0.*"]), ["a", "b"]);
    assert.deepEqual(kept(["=> address=10.0.0.2:20881"]), ["b"]);
    assert.deepEqual(kept(["=> port=20881~"]), ["b"]);
    assert.deepEqual(kept(["=> cores=8~32"]), ["b"]);
    assert.deepEqual(kept(["=> tags[cores]!=4"]), ["b", "c"]);
    assert.deepEqual(kept(["=> zone=hangzhou & version=2"]), ["c"]);
    assert.deepEqual(kept(["=> zone=shanghai,beijing"]), ["b"]);
  });

  it("knows what a call has", () => {
    assert.deepEqual(kept(["method=read => version=1"]), ["a"]);
    assert.deepEqual(kept(["method=write => version=1"]), ["a", "b", "c"]);
    assert.deepEqual(kept(["request[key]=vip & request[number]=5~10 => version=1"]), ["a"]);
    assert.deepEqual(kept(["baggage[lane]=test => version=1"], { baggage: { lane: "test" } }), ["a"]);
    assert.deepEqual(kept(["headers[x-lane]=test => version=1"], { metadata: { "x-lane": "test" } }), ["a"]);
    assert.deepEqual(kept(["app=sample & service=mortise.* => version=1"]), ["a"]);
  });

  it("lets the first rule that fits decide", () => {
    assert.deepEqual(kept(["method=write => version=1", "=> version=2"]), ["b", "c"]);
  });

  it("compares with the other side by $name", () => {
    const rule = ["=> zone=$baggage[home]"];
    assert.deepEqual(kept(rule, { baggage: { home: "shanghai" } }), ["b"]);
    assert.deepEqual(kept(rule, { baggage: { home: "hangzhou" } }), ["a", "c"]);
  });

  it("passes all on when a rule leaves nothing, unless it is forced", () => {
    assert.deepEqual(kept(["=> zone=nowhere"]), ["a", "b", "c"]);
    assert.deepEqual(kept(["=> zone=nowhere"], {}, true), []);
  });

  it("refuses calls whose rule has no right side", () => {
    assert.deepEqual(kept(["method=read =>"]), []);
    assert.deepEqual(kept(["method=read => false"]), []);
  });

  it("says what is wrong with a rule, and where", () => {
    assert.throws(() => parseRule("method=read"), /has no "=>"/);
    assert.throws(() => parseRule("method=read & zone => a=b"), /character 14: "zone" is no condition/);
    assert.throws(() => parseRule("method= => a=b"), /is no condition/);
    assert.throws(() => parseRule("a=b => c=d=e"), /is no condition/);
    const field = condition.policy.conditions;
    const result = field?.["~standard"].validate(["oops"]);
    assert.match(JSON.stringify(result), /has no/);
  });

  it("is the plugin router/condition", () => assert.equal(condition.id, "router/condition"));
});
