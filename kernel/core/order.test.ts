import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { circles, dependents, type Graph, startOrder, waiting } from "./order.ts";

function graph(edges: Readonly<Record<string, { hard?: readonly string[]; soft?: readonly string[] }>>): Graph {
  return new Map(Object.entries(edges).map(([id, { hard = [], soft = [] }]) => [id, { hard, soft }]));
}

/** Graphs whose hard edges lead to earlier nodes only, and whose soft edges lead anywhere. */
const graphs = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc
    .array(fc.record({ hard: fc.array(fc.nat(size - 1)), soft: fc.array(fc.nat(size - 1)) }), {
      minLength: size,
      maxLength: size,
    })
    .map((nodes): Graph => {
      const name = (index: number) => `n${index}`;
      return new Map(
        nodes.map(({ hard, soft }, index) => [
          name(index),
          { hard: hard.filter((to) => to < index).map(name), soft: soft.filter((to) => to !== index).map(name) },
        ]),
      );
    }),
);

function reaches(graph: Graph, from: string, to: string): boolean {
  const both = new Map([...graph].map(([id, { hard, soft }]) => [id, [...hard, ...soft]]));
  return dependents([to], both).has(from);
}

describe("a graph of needs", () => {
  it("shows the shortest circle of each knot as a closed path", () => {
    assert.deepEqual(circles(graph({ a: { hard: ["b"] }, b: { hard: ["c", "a"] }, c: { hard: ["a"] } })), [
      ["a", "b", "a"],
    ]);
    assert.deepEqual(circles(graph({ a: { hard: ["a"] }, b: { hard: ["a"] } })), [["a", "a"]]);
    assert.equal(
      circles(graph({ a: { hard: ["b"] }, b: { hard: ["a"] }, c: { hard: ["d"] }, d: { hard: ["c"] } })).length,
      2,
    );
  });

  it("has no circle over soft edges", () => {
    assert.deepEqual(circles(graph({ a: { hard: ["b"] }, b: { soft: ["a"] } })), []);
  });

  it("waits over a soft edge unless it is part of a circle", () => {
    const waits = waiting(graph({ a: { hard: ["b"] }, b: { soft: ["a", "c"] }, c: {} }));
    assert.deepEqual(Object.fromEntries(waits), { a: ["b"], b: ["c"], c: [] });
  });

  it("starts everything once, after all hard needs, and after soft ones that do not lead back", () => {
    fc.assert(
      fc.property(graphs, (random) => {
        assert.deepEqual(circles(random), []);
        const order = startOrder(waiting(random));
        assert.deepEqual([...order].sort(), [...random.keys()].sort());
        const place = (id: string) => order.indexOf(id);
        for (const [id, { hard, soft }] of random) {
          for (const other of hard) assert.ok(place(other) < place(id), `${other} before ${id}`);
          for (const other of soft)
            assert.ok(place(other) < place(id) || reaches(random, other, id), `${other} ~ ${id}`);
        }
      }),
    );
  });

  it("finds a circle exactly when there is one, and one that is real", () => {
    const anyGraph = fc
      .array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 8, maxLength: 8 })
      .map(
        (nodes): Graph =>
          new Map(nodes.map((hard, index) => [`n${index}`, { hard: hard.map((to) => `n${to}`), soft: [] }])),
      );
    fc.assert(
      fc.property(anyGraph, (random) => {
        const found = circles(random);
        for (const circle of found) {
          assert.equal(circle[0], circle.at(-1));
          for (const [index, id] of circle.slice(0, -1).entries())
            assert.ok(random.get(id)?.hard.includes(circle[index + 1] ?? ""));
        }
        const circular = [...random].some(([id, { hard }]) => hard.some((other) => reaches(random, other, id)));
        assert.equal(found.length > 0, circular);
      }),
    );
  });

  it("tells who waits for something, directly or not", () => {
    const waits = new Map([
      ["a", []],
      ["b", ["a"]],
      ["c", ["b"]],
      ["d", []],
    ] as const);
    assert.deepEqual([...dependents(["a"], waits)], ["a", "b", "c"]);
  });
});
