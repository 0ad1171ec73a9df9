import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { tieTree } from "./tie-tree.ts";

it("a tie tree draws a member of least load, in proportion to weight", () => {
  const members = fc.array(fc.record({ weight: fc.nat(5), load: fc.nat(3) }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(members, fc.nat(99), (all, percent) => {
      const tree = tieTree(all.map(({ weight }) => weight));
      for (const [index, { load }] of all.entries()) tree.set(index, load);
      const weightless = all.every(({ weight }) => weight === 0);
      const part = all
        .map(({ weight, load }, index) => ({ index, load, weight: weightless ? 1 : weight }))
        .filter(({ weight }) => weight > 0);
      const least = Math.min(...part.map(({ load }) => load));
      const ties = part.filter(({ load }) => load === least);
      let point = (percent / 100) * ties.reduce((sum, { weight }) => sum + weight, 0);
      const expected = ties.find(({ weight }) => {
        point -= weight;
        return point < 0;
      });
      assert.equal(tree.draw(percent / 100), expected?.index);
    }),
  );
});
