import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chainOrder, type Link } from "./chain-order.ts";

const link = (name: string, order = 0): Link => ({ name, order });
const tracing = link("tracing", 10);
const deadline = link("deadline", 20);
const metrics = link("metrics", 30);
const active = [metrics, deadline, tracing];

function names(defaultAt: number | undefined, listed: readonly Link[], withoutDefault = false): string {
  return chainOrder({ defaultAt, withoutDefault }, listed, active)
    .map(({ name }) => name)
    .join(" ");
}

describe("the order of a chain", () => {
  it("puts the active ones where `default` stands, by order", () => {
    assert.equal(names(1, [link("auth"), link("cache")]), "auth tracing deadline metrics cache");
    assert.equal(names(0, [link("auth")]), "tracing deadline metrics auth");
  });

  it("keeps the list's own order around `default`, whatever orders the listed ones declare", () => {
    assert.equal(names(2, [link("late", 99), link("early", 1)]), "late early tracing deadline metrics");
  });

  it("sorts listed and active ones by order when the list lacks `default`", () => {
    assert.equal(names(undefined, [link("audit", 25), link("auth", 15)]), "tracing auth deadline audit metrics");
  });

  it("leaves the list as it is with `-default`", () => {
    assert.equal(names(undefined, [link("b", 2), link("a", 1)], true), "b a");
  });

  it("orders active ones of one order by name and lets listed ones of that order go first", () => {
    const same = [link("b", 5), link("a", 5)];
    const order = chainOrder({ defaultAt: undefined, withoutDefault: false }, [link("z", 5), link("y", 5)], same);
    assert.deepEqual(
      order.map(({ name }) => name),
      ["z", "y", "a", "b"],
    );
  });

  it("neither loses nor adds a plugin", () => {
    const links = fc.uniqueArray(
      fc.record({ name: fc.string({ minLength: 1 }), order: fc.integer({ min: -3, max: 3 }) }),
      {
        selector: ({ name }) => name,
      },
    );
    fc.assert(
      fc.property(links, fc.nat(9), fc.boolean(), (all, split, placed) => {
        const listed = all.slice(0, split);
        const joining = all.slice(split);
        const order = chainOrder(
          { defaultAt: placed ? Math.min(1, listed.length) : undefined, withoutDefault: false },
          listed,
          joining,
        );
        assert.deepEqual(new Set(order), new Set(all));
        assert.equal(order.length, all.length);
      }),
    );
  });
});
