import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { editDistance, nearest, suggestion } from "./nearest.ts";

const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });

describe("edit distance", () => {
  it("counts inserting, deleting, replacing a letter and swapping neighbours as one each", () => {
    const from = (a: string, b: string) => editDistance(a, b);
    assert.deepEqual(
      [from("p2c", "p2x"), from("random", "radom"), from("grpc", "grpcs"), from("tracing", "trcaing"), from("", "abc")],
      [1, 1, 1, 1, 3],
    );
  });

  it("is zero for texts that differ in case only", () => assert.equal(editDistance("hashon", "hashOn"), 0));

  it("is symmetric, zero between equals, and at most the longer length", () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        assert.equal(distance, editDistance(b, a));
        assert.equal(distance === 0, a === b);
        assert.ok(distance <= Math.max(a.length, b.length));
        assert.ok(distance >= Math.abs(a.length - b.length));
      }),
    );
  });
});

describe("the nearest name", () => {
  it("is the one with the fewest edits, the first among equals", () => {
    assert.equal(nearest("rondom", ["round-robin", "random"]), "random");
    assert.equal(nearest("p2x", ["p2c", "p2d"]), "p2c");
  });

  it("is none when all are too far away", () => {
    assert.equal(nearest("kafka", ["memory", "nats"]), undefined);
    assert.equal(nearest("ab", ["xy"]), undefined);
  });

  it("is suggested with the others listed in order, and never more than twelve of them", () => {
    assert.equal(suggestion("p2x", ["random", "p2c"]), " Did you mean p2c? (p2c, random)");
    assert.equal(suggestion("kafka", ["nats", "memory"]), " Known: memory, nats.");
    assert.equal(suggestion("x", []), "");
    const many = Array.from({ length: 15 }, (_, index) => `plugin-${index + 10}`);
    assert.match(suggestion("zzz", many), /plugin-21, and 3 more\.$/);
  });
});
