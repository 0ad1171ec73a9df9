import assert from "node:assert/strict";
import type { Method } from "../contract/types.ts";
import { conformance } from "../testing/conformance.ts";
import { Sample, SampleTopic } from "../testing/samples.ts";
import type { Policies } from "./policies.ts";

/** Makes policies for an app that says this, by target. */
export type PoliciesSubject = (
  app: string,
  table: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
) => Policies | Promise<Policies>;

const defaults = { protocol: "grpc", serializer: "protobuf", loadbalancer: "random", cluster: "failover" };
const { read, watch } = Sample.methods;

const law = (law: string, check: (make: PoliciesSubject) => Promise<void>) => ({ law, check });

/** What every source of policies keeps to. */
export const policiesConformance = conformance<PoliciesSubject>("policies", [
  law("knows the name of the app", async (make) => {
    assert.equal((await make("shop", {})).app, "shop");
  }),
  law("gives the defaults where nothing is said, and no source for them", async (make) => {
    const { policy, sources } = (await make("shop", {})).of(read, defaults);
    assert.deepEqual(policy, { ...defaults, timeoutMs: 1000, retries: 2, fields: {} });
    assert.deepEqual(sources, {});
  }),
  law("takes each field from the most specific target and names that", async (make) => {
    const policies = await make("shop", {
      [`${Sample.name}/read`]: { timeoutMs: 1 },
      [Sample.name]: { timeoutMs: 2, retries: 0, loadbalancer: "p2c" },
      "*": { timeoutMs: 3, retries: 3, cluster: "failfast", colour: "red" },
    });
    const { policy, sources } = policies.of(read, defaults);
    assert.deepEqual(policy, {
      ...defaults,
      ...{ timeoutMs: 1, retries: 0, loadbalancer: "p2c", cluster: "failfast", fields: { colour: "red" } },
    });
    assert.deepEqual(sources, {
      ...{ timeoutMs: `${Sample.name}/read`, retries: Sample.name, loadbalancer: Sample.name },
      ...{ cluster: "*", colour: "*" },
    });
  }),
  law("finds what is said of a topic under its name", async (make) => {
    const policies = await make("shop", { [SampleTopic.name]: { retries: 7 } });
    assert.equal(policies.of(SampleTopic.method as Method, defaults).policy.retries, 7);
  }),
  law("does not limit a stream unless told so for the method itself", async (make) => {
    const general = await make("shop", { "*": { timeoutMs: 5 } });
    assert.equal(general.of(watch, defaults).policy.timeoutMs, 0);
    const particular = await make("shop", { [`${Sample.name}/watch`]: { timeoutMs: 5 } });
    assert.equal(particular.of(watch, defaults).policy.timeoutMs, 5);
  }),
  law("gives nothing that could be changed", async (make) => {
    const effective = (await make("shop", { "*": { retries: 1 } })).of(read, defaults);
    for (const part of [effective, effective.policy, effective.policy.fields, effective.sources])
      assert.ok(Object.isFrozen(part));
  }),
]);
