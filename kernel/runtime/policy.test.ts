import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Method } from "../contract/types.ts";
import { Sample, SampleTopic } from "../testing/samples.ts";
import { type PolicyTable, policyBook } from "./policy.ts";
import { isPolicyTarget } from "./policy-target.ts";

const defaults = { protocol: "grpc", serializer: "protobuf", loadbalancer: "random", cluster: "failover" };
const { read, watch } = Sample.methods;
const of = (table: PolicyTable, method: Method = read) => policyBook(table).of(method, defaults);

describe("the policy of a method", () => {
  it("is made of defaults where nothing is said", () => {
    assert.deepEqual(of({}), { policy: { timeoutMs: 1000, retries: 2, ...defaults, fields: {} }, sources: {} });
  });

  it("takes every field from the most specific target, and knows which that is", () => {
    const table = {
      [`${Sample.name}/read`]: { timeoutMs: 1 },
      [Sample.name]: { timeoutMs: 2, retries: 2, cluster: "failfast" },
      "mortise.sample.*": { timeoutMs: 3, retries: 3, hashOn: ["key"] },
      "mortise.*": { timeoutMs: 4, retries: 4, hashOn: [], loadbalancer: "p2c" },
      "*": { timeoutMs: 5, retries: 5, loadbalancer: "x", protocol: "rest" },
      "other.v1.Other": { timeoutMs: 6 },
    };
    const { policy, sources } = of(table);
    assert.deepEqual(policy, {
      ...{ timeoutMs: 1, retries: 2, protocol: "rest", serializer: "protobuf", loadbalancer: "p2c" },
      ...{ cluster: "failfast", fields: { hashOn: ["key"] } },
    });
    assert.deepEqual(sources, {
      ...{ timeoutMs: `${Sample.name}/read`, retries: Sample.name, cluster: Sample.name, protocol: "*" },
      ...{ loadbalancer: "mortise.*", hashOn: "mortise.sample.*" },
    });
  });

  it("knows a method by its name in TypeScript, on the wire and by a pattern", () => {
    for (const name of ["read", "Read", "r*", "*"]) {
      assert.equal(of({ [`${Sample.name}/${name}`]: { retries: 7 } }).policy.retries, 7, name);
    }
    assert.equal(of({ [`${Sample.name}/write`]: { retries: 7 } }).policy.retries, 2);
    assert.equal(of({ "*/read": { retries: 7 }, [Sample.name]: { retries: 8 } }).policy.retries, 7);
  });

  it("is found for a topic by its name", () => {
    const method = SampleTopic.method as Method;
    assert.equal(of({ [SampleTopic.name]: { timeoutMs: 7 } }, method).policy.timeoutMs, 7);
    assert.equal(of({ "mortise.sample.v1/Happened": { timeoutMs: 7 } }, method).policy.timeoutMs, 7);
  });

  it("takes the later of two targets that are equally specific", () => {
    assert.equal(
      of({ "mortise.*.v1.Sample": { retries: 1 }, "mortise.sample.*.Sample": { retries: 2 } }).policy.retries,
      2,
    );
    assert.equal(of({ "mortise.sample.v*": { retries: 3 }, "mortise.sample.*1": { retries: 4 } }).policy.retries, 3);
  });

  it("limits a stream only where the method itself is named", () => {
    assert.equal(of({}, watch).policy.timeoutMs, 0);
    assert.equal(of({ "*": { timeoutMs: 5 }, [Sample.name]: { timeoutMs: 6 } }, watch).policy.timeoutMs, 0);
    assert.deepEqual(of({ "*": { timeoutMs: 5 } }, watch).sources, {});
    assert.equal(of({ [`${Sample.name}/watch`]: { timeoutMs: 7 } }, watch).policy.timeoutMs, 7);
  });

  it("does not depend on the order of targets that differ in how specific they are", () => {
    const targets = ["*", "mortise.*", "mortise.sample.*", Sample.name, `${Sample.name}/r*`, `${Sample.name}/read`];
    const shuffled = fc.shuffledSubarray(targets, { minLength: 1 });
    fc.assert(
      fc.property(shuffled, (order) => {
        const table = Object.fromEntries(order.map((target) => [target, { mark: target }]));
        const winner = targets.findLast((target) => order.includes(target));
        assert.equal(of(table).policy.fields.mark, winner);
      }),
    );
  });
});

describe("a policy target", () => {
  it("is a service, a topic, a method or a pattern of these", () => {
    for (const target of ["*", "shop.*", "shop.order.v1.Orders", "shop.order.v1.Orders/place", "*/get*", "*.Orders/*"])
      assert.ok(isPolicyTarget(target), target);
    for (const target of ["", ".", "a..b", "a b", "/x", "a/", "a/b/c", "-"]) assert.ok(!isPolicyTarget(target), target);
    assert.throws(() => policyBook({ "a b": {} }), /"a b" is nothing a policy can be for; write "\*", a service/);
  });
});
