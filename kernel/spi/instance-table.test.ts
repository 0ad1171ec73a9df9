import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sampleInstance } from "../testing/samples.ts";
import type { Instance } from "./instance.ts";
import { carryOver, instanceTable, sameInstance } from "./instance-table.ts";
import type { Snapshot } from "./registry.ts";

const anyInstance: fc.Arbitrary<Instance> = fc.record<Instance>(
  {
    id: fc.constantFrom("a", "b", "c", "d"),
    service: fc.constant("s"),
    address: fc.constantFrom("1", "2"),
    protocol: fc.constant("grpc"),
    serializers: fc.constantFrom<(readonly string[])[]>([], ["json"], ["protobuf", "json"]),
    weight: fc.constantFrom(1, 100),
    zone: fc.constantFrom("", "z"),
    version: fc.constantFrom("", "2"),
    tags: fc.constantFrom<Instance["tags"][]>({}, { a: "1" }, { a: "2" }, { a: "1", b: "1" }),
    startedAt: fc.constantFrom(0, 1),
  },
  { noNullPrototype: true },
);
const anyList = fc.uniqueArray(anyInstance, { selector: ({ id }) => id });
const fail = (error: unknown) => assert.fail(String(error));
const sorted = (list: Snapshot) => [...list].sort((a, b) => (a.id < b.id ? -1 : 1));
const copy = (instance: Instance): Instance => structuredClone(instance);

describe("carrying over instances", () => {
  it("keeps the objects of unchanged ones and gives exactly the new list", () => {
    fc.assert(
      fc.property(anyList, anyList, (before, after) => {
        const previous = carryOver([], before);
        const next = carryOver(previous, after.map(copy));
        assert.deepEqual(sorted(next), sorted(after));
        for (const instance of next) {
          const old = previous.find(({ id }) => id === instance.id);
          assert.equal(old === instance, old !== undefined && JSON.stringify(old) === JSON.stringify(instance));
        }
      }),
    );
  });

  it("gives the same list when nothing changed", () => {
    fc.assert(
      fc.property(anyList, (list) => {
        const previous = carryOver([], list);
        assert.equal(carryOver(previous, list.map(copy)), previous.length === 0 ? carryOver(previous, []) : previous);
      }),
    );
  });

  it("takes two instances for the same only if every field is", () => {
    fc.assert(
      fc.property(anyInstance, anyInstance, (a, b) => {
        assert.ok(sameInstance(a, copy(a)));
        assert.equal(sameInstance(a, b), JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe("a table of instances", () => {
  it("tells the watchers of a service, and only when something changed", () => {
    const table = instanceTable(fail);
    const heard: Snapshot[] = [];
    const end = table.watch("s", (snapshot) => heard.push(snapshot));
    const a = sampleInstance("a");
    table.set("s", [a]);
    table.set("s", [copy(a)]);
    table.set("t", [a]);
    table.set("s", []);
    assert.deepEqual(heard, [[], [a], []]);
    assert.deepEqual(table.services(), ["t"]);
    end();
    end();
    table.set("s", [a]);
    assert.equal(heard.length, 3);
    assert.equal(table.watches, 0);
  });

  it("tells the others when a listener throws", () => {
    const errors: unknown[] = [];
    const table = instanceTable((error) => errors.push(error));
    let told = 0;
    table.watch("s", () => {
      throw new Error("mine");
    });
    table.watch("s", () => told++);
    table.set("s", [sampleInstance("a")]);
    assert.equal(told, 2);
    assert.equal(errors.length, 2);
  });
});
