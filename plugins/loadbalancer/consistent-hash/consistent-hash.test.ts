import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Instance, Method } from "@mortise/kernel";
import { bytes, Empty, field, int64, message, repeated, rpc, service, stream, string } from "@mortise/kernel/contract";
import { loadBalancerConformance, shares } from "@mortise/kernel/spi/loadbalancer.conformance";
import { Sample, sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { consistentHashBalancer } from "./consistent-hash-balancer.ts";

const options = { warmupMs: 600_000, nodes: 160 };

loadBalancerConformance({
  name: "consistent-hash",
  make: () => ({ subject: (ports) => consistentHashBalancer(options, ports) }),
});

const Customer = message("test.v1.Customer", { id: int64(1), token: bytes(2) });
const Request = message("test.v1.Request", {
  tags: repeated(string(1)),
  sku: string(2),
  customer: field(3, Customer),
});
const Keyed = service("test.v1.Keyed", {
  get: rpc(Request, Empty),
  load: rpc(stream(Request), Empty),
  ping: rpc(Empty, Empty),
});

const list = (count: number, first = 0): readonly Instance[] =>
  Array.from({ length: count }, (_, i) => sampleInstance(`${first + i}`));

/** Which instance a method's calls go to, by their request. */
function chooser(
  fields: Readonly<Record<string, unknown>> = {},
  method: Method = Keyed.methods.get,
  ports = virtualPorts(),
) {
  const picker = consistentHashBalancer(options, ports).picker(sampleSite({ method, policy: { fields } }));
  return (candidates: readonly Instance[], request: unknown) =>
    picker.pick(candidates, { method, request } as never).instance.id;
}

const keys = Array.from({ length: 5000 }, (_, i) => ({ sku: `sku-${i}`, tags: [] }));

describe("loadbalancer/consistent-hash", () => {
  it("sends equal keys to the same instance, in every process", () => {
    const [here, there] = [chooser(), chooser({}, Keyed.methods.get, virtualPorts({ seed: 9 }))];
    const [ours, theirs] = [list(7), [...list(7)].reverse()];
    for (const request of keys.slice(0, 500)) assert.equal(here(ours, request), there(theirs, request));
  });

  it("moves only the keys of an instance that goes, and at most its share to one that comes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(1000), (count, first) => {
        const choose = chooser();
        const [before, after] = [list(count + 1, first), list(count, first)];
        const gone = before[count]?.id;
        let moved = 0;
        for (const request of keys) {
          const [was, is] = [choose(before, request), choose(after, request)];
          if (was === is) continue;
          assert.equal(was, gone, "a key of an instance that stayed has moved");
          moved++;
        }
        assert.ok(moved / keys.length < 1.6 / (count + 1), `${moved} of ${keys.length} keys for one of ${count + 1}`);
      }),
      { numRuns: 20 },
    );
  });

  it("spreads 100,000 keys by weight, as evenly as its points allow", () => {
    const weights = [50, 100, 100, 200];
    const candidates = weights.map((weight, i) => sampleInstance(`${i}`, { weight }));
    const picker = consistentHashBalancer(options, virtualPorts()).picker(sampleSite());
    for (const [i, share] of shares(picker, candidates, 100_000).entries()) {
      const expected = (weights[i] ?? 0) / 450;
      assert.ok(Math.abs(share / expected - 1) < 0.25, `${share} instead of ${expected}`);
    }
  });

  it("hashes on the fields the policy names, together", () => {
    const customer = (id: bigint) => ({ id, token: new Uint8Array([Number(id)]) });
    const on = (...hashOn: string[]) => chooser({ hashOn });
    const some = list(20);
    const spread = (choose: ReturnType<typeof chooser>, requests: readonly unknown[]) =>
      new Set(requests.map((request) => choose(some, request))).size;
    const bySku = keys.slice(0, 100).map(({ sku }) => ({ sku, customer: customer(7n) }));
    const byCustomer = Array.from({ length: 100 }, (_, i) => ({ sku: "one", customer: customer(BigInt(i)) }));
    assert.deepEqual([spread(on("sku"), byCustomer), spread(on("customer.id"), bySku)], [1, 1]);
    for (const [choose, requests] of [
      [on("sku"), bySku],
      [on("customer.id"), byCustomer],
      [on("customer.token"), byCustomer],
      [on("customer.id", "sku"), bySku],
      [on("customer.id", "sku"), byCustomer],
    ] as const) {
      assert.ok(spread(choose, requests) > 10);
    }
  });

  it("takes the first single value of the request by default", () => {
    const choose = chooser();
    const ids = keys.slice(0, 50).map((request) => choose(list(9), request));
    assert.deepEqual(
      ids,
      keys.slice(0, 50).map(({ sku }) => choose(list(9), { sku, tags: ["other"] })),
    );
    assert.ok(new Set(ids).size > 5);
  });

  it("sends calls without a key anywhere", () => {
    for (const method of [Keyed.methods.load, Keyed.methods.ping]) {
      const choose = chooser({}, method);
      assert.equal(new Set(Array.from({ length: 200 }, () => choose(list(5), {}))).size, 5);
    }
  });

  it("takes an absent message on the path for a value of its own", () => {
    const choose = chooser({ hashOn: ["customer.id"] });
    assert.equal(choose(list(5), { sku: "a" }), choose(list(5), { sku: "b" }));
  });

  for (const [path, problem] of [
    ["skew", /"skew": test\.v1\.Request has no field "skew"; it has tags, sku, customer/],
    ["tags", /"tags" is not a single value/],
    ["customer", /"customer" is not a single value/],
    ["sku.length", /"sku" is not a single value/],
  ] as const) {
    it(`does not hash on ${path}`, () => assert.throws(() => chooser({ hashOn: [path] }), problem));
  }

  it("gives a new instance its keys bit by bit, and takes none back", async () => {
    const ports = virtualPorts();
    const choose = chooser({}, Keyed.methods.get, ports);
    const candidates = [...list(3), sampleInstance("new", { startedAt: ports.clock.wall() })];
    let before = new Set<string>();
    for (const minute of [0, 1, 3, 6, 10, 20]) {
      await ports.advance(minute * 60_000 - ports.clock.now());
      const now = new Set(keys.filter((request) => choose(candidates, request) === "new").map(({ sku }) => sku));
      for (const sku of before) assert.ok(now.has(sku));
      const weight = Math.min(100, Math.max(1, minute * 10));
      assert.ok(
        Math.abs(now.size / keys.length - weight / (300 + weight)) < 0.06,
        `${now.size} after ${minute} minutes`,
      );
      before = now;
    }
  });

  it("gives out the same object for the same instance", () => {
    const picker = consistentHashBalancer(options, virtualPorts()).picker(sampleSite());
    const candidates = list(3);
    const pick = (key: string) => picker.pick(candidates, { method: Sample.methods.read, request: { key } } as never);
    assert.equal(new Set(Array.from({ length: 100 }, (_, i) => pick(`${i}`))).size, 3);
  });
});
