import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { batches, oneByOne } from "./batches.ts";

/** Batches that are under way until their gate is opened. */
function gated(maxBatch: number, maxInFlight = 1) {
  const ran: number[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const add = batches(
    async (items: readonly number[]) => {
      ran.push([...items]);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return items.map(String);
    },
    { maxBatch, maxInFlight },
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { ran, gates, add, settled };
}

describe("batches", () => {
  it("run what is asked for in one turn together, and what comes while that is under way next", async () => {
    const { ran, gates, add, settled } = gated(3);
    const first = Promise.all([1, 2].map(add));
    await settled();
    const later = Promise.all([3, 4, 5, 6].map(add));
    await settled();
    assert.deepEqual(ran, [[1, 2]]);
    gates[0]?.resolve();
    assert.deepEqual(await first, ["1", "2"]);
    await settled();
    assert.deepEqual(ran, [
      [1, 2],
      [3, 4, 5],
    ]);
    gates[1]?.resolve();
    await settled();
    assert.deepEqual(ran[2], [6]);
    gates[2]?.resolve();
    assert.deepEqual(await later, ["3", "4", "5", "6"]);
  });

  it("are under way side by side as far as told", async () => {
    const { ran, gates, add, settled } = gated(1, 2);
    const all = Promise.all([1, 2, 3].map(add));
    await settled();
    assert.deepEqual(ran, [[1], [2]]);
    gates[1]?.resolve();
    await settled();
    assert.deepEqual(ran, [[1], [2], [3]]);
    for (const { resolve } of gates) resolve();
    assert.deepEqual(await all, ["1", "2", "3"]);
  });

  it("give the error of a batch to all of its items, and go on with the next", async () => {
    let round = 0;
    const run = async (items: readonly number[]) => {
      if (round++ === 0) throw new Error("away");
      return items;
    };
    const add = batches(run, { maxBatch: 2, maxInFlight: 1 });
    const outcomes = await Promise.allSettled([1, 2, 3].map(add));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "rejected", "fulfilled"],
    );
  });

  it("run each item alone when one of them may be at fault", async () => {
    const ran: number[][] = [];
    const run = async (items: readonly number[]) => {
      ran.push([...items]);
      if (items.includes(2)) throw new Error("2 is none");
      return items;
    };
    const isFaultOfOne = (error: unknown) => error instanceof Error && error.message === "2 is none";
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(batches(run, { maxBatch: 9, maxInFlight: 1, isFaultOfOne })),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(ran, [[1, 2, 3], [1], [2], [3]]);
  });

  it("refuse a run that gives another number of outcomes", async () => {
    const add = batches(async () => [1], { maxBatch: 9, maxInFlight: 1 });
    await assert.rejects(Promise.all([add(1), add(2)]), /1 outcomes for 2 items/);
  });

  it("lose nothing and mix nothing up, whatever comes when, fails or takes how long", async () => {
    const item = fc.record({ at: fc.nat(30), takes: fc.nat(9), fails: fc.nat(9).map((n) => n === 0) });
    const sizes = fc.record({ maxBatch: fc.integer({ min: 1, max: 5 }), maxInFlight: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 40 }), sizes, async (items, { maxBatch, maxInFlight }) => {
        const ports = virtualPorts();
        const begun: number[] = [];
        let inFlight = 0;
        const add = batches(
          async (batch: readonly number[]) => {
            assert.ok(batch.length > 0 && batch.length <= maxBatch && ++inFlight <= maxInFlight);
            begun.push(...batch);
            await ports.timers.sleep(Math.max(...batch.map((i) => items[i]?.takes ?? 0)));
            inFlight--;
            if (batch.some((i) => items[i]?.fails)) throw new Error(`${batch}`);
            return batch;
          },
          { maxBatch, maxInFlight },
        );
        const order: number[] = [];
        const asked = items.map(async ({ at }, i) => {
          await ports.timers.sleep(at);
          order.push(i);
          return add(i);
        });
        const outcomes = await ports.settle(Promise.allSettled(asked));
        assert.deepEqual(begun, order);
        for (const [i, outcome] of outcomes.entries()) {
          if (outcome.status === "fulfilled") assert.equal(outcome.value, i);
          else assert.ok(outcome.reason.message.split(",").includes(String(i)));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is held up by a batch that hangs for as long as it is patient, and no longer", async () => {
    const ports = virtualPorts();
    const began: number[] = [];
    const run = async (items: readonly string[]) => {
      began.push(ports.clock.now());
      return items.includes("hangs") ? new Promise<never>(() => undefined) : items;
    };
    const ask = batches(run, { maxBatch: 10, maxInFlight: 1, patience: { timers: ports.timers, ms: 100 } });
    void ask("hangs");
    await ports.advance(10);
    const both = Promise.all([ask("a"), ask("b")]);
    assert.deepEqual(await ports.settle(both), ["a", "b"]);
    assert.deepEqual(began, [0, 100]);
    assert.equal(await ports.settle(ask("c")), "c");
    assert.equal(ports.clock.now(), 100);
  });
});

describe("one by one", () => {
  it("keeps the order within a key and lets keys run side by side, whatever fails", async () => {
    const work = fc.record({ key: fc.constantFrom("a", "b", "c"), takes: fc.nat(9), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(work, { maxLength: 20 }), async (works) => {
        const ports = virtualPorts();
        const inOrder = oneByOne();
        const events: string[] = [];
        const all = works.map(({ key, takes, fails }, i) =>
          inOrder(key, async () => {
            events.push(`${key} begins ${i}`);
            await ports.timers.sleep(takes);
            events.push(`${key} ends ${i}`);
            if (fails) throw new Error(`${i}`);
            return i;
          }),
        );
        const outcomes = await ports.settle(Promise.allSettled(all));
        for (const [i, outcome] of outcomes.entries())
          assert.equal(outcome.status === "fulfilled" ? outcome.value : Number(outcome.reason.message), i);
        for (const key of ["a", "b", "c"]) {
          const mine = works.flatMap((one, i) => (one.key === key ? [`${key} begins ${i}`, `${key} ends ${i}`] : []));
          assert.deepEqual(
            events.filter((event) => event.startsWith(key)),
            mine,
          );
        }
        const longest = Math.max(0, ...["a", "b", "c"].map((key) => total(works.filter((one) => one.key === key))));
        assert.equal(ports.clock.now(), longest);
      }),
    );
  });

  it("begins at once what has no one before it", () => {
    let begun = false;
    void oneByOne()("a", async () => {
      begun = true;
    });
    assert.equal(begun, true);
  });
});

const total = (works: readonly { readonly takes: number }[]) => works.reduce((sum, { takes }) => sum + takes, 0);
