import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sampleInstance } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { KnownService } from "./service-view.ts";

const [one, two] = [sampleInstance("one"), sampleInstance("two")];
const view = (believeEmptyAfterMs = Number.POSITIVE_INFINITY) => {
  const ports = virtualPorts();
  return { ports, known: new KnownService("a.v1.A", { believeEmptyAfterMs }, ports.timers) };
};

describe("an instance that was gone", () => {
  it("is another one when it comes back, which stays the same from then on", () => {
    for (const leave of [
      (known: KnownService) => known.hear([two]),
      (known: KnownService) => {
        known.hear([]);
        known.unreachable(one);
      },
    ]) {
      const { known } = view();
      known.hear([one]);
      leave(known);
      assert.ok(!known.instances.includes(one));
      known.hear([one, two]);
      const [again, ...others] = known.instances;
      assert.notEqual(again, one);
      assert.deepEqual([again, others], [one, [two]]);
      assert.ok(Object.isFrozen(again));
      known.hear([one]);
      assert.equal(known.instances[0], again);
    }
  });
});

describe("what an earlier process knew of a service", () => {
  it("is kept when the registry names nobody, whichever comes first", () => {
    for (const emptyFirst of [true, false]) {
      const { known } = view();
      if (emptyFirst) known.hear([]);
      known.remember([one]);
      if (!emptyFirst) known.hear([]);
      assert.deepEqual([known.instances, known.trust], [[one], "doubted"]);
      known.unreachable(one);
      assert.deepEqual(known.instances, []);
    }
  });

  it("makes way for whomever the registry names, before and after", () => {
    const { known } = view();
    known.remember([one]);
    known.hear([two]);
    known.remember([one]);
    assert.deepEqual([known.instances, known.trust], [[two], "current"]);
  });

  it("is believed for as long as told", async () => {
    const { ports, known } = view(1_000);
    known.hear([]);
    known.remember([one]);
    await ports.advance(999);
    assert.deepEqual(known.instances, [one]);
    await ports.advance(1);
    assert.deepEqual(known.instances, []);
  });
});
