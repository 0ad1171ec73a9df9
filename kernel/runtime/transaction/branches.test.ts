import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Empty, operation, operations, type Steps, type StepType } from "../../contract/index.ts";
import { branchesOf, isOneBranch, lockOrder } from "./branches.ts";

const bank = operations("t.v1.Bank", { a: operation(Empty, Empty), b: operation(Empty, Empty) }).operations;
const shop = operations("t.v1.Shop", { a: operation(Empty, Empty) }).operations;
const card = operations("t.v1.Card", { a: operation(Empty, Empty, { acts: "external" }) }).operations;

function step(name: string, op: StepType["operation"], how: Partial<StepType> & { late?: boolean } = {}): StepType {
  const { uses = [], after = [], late = false } = how;
  return {
    name,
    operation: op,
    facts: { pivot: false, afterCommit: late, droppable: false },
    uses,
    after: [...new Set([...uses, ...after])],
    input: () => ({}),
  };
}

const planOf = (...steps: StepType[]) => ({ steps: Object.fromEntries(steps.map((one) => [one.name, one])) as Steps });
const shape = (plan: { steps: Steps }) =>
  branchesOf(plan).main.map(({ steps }) => steps.map(({ step }) => step).join("+"));

describe("branches", () => {
  it("put steps of one participant into one", () => {
    const plan = planOf(step("one", bank.a), step("two", shop.a), step("three", bank.b));
    assert.deepEqual(shape(plan), ["one+three", "two"]);
  });

  it("keep apart what needs an output of the other", () => {
    assert.deepEqual(shape(planOf(step("one", bank.a), step("two", bank.b, { uses: ["one"] }))), ["one", "two"]);
  });

  it("keep apart what would wait for each other in a circle", () => {
    const plan = planOf(
      step("one", bank.a),
      step("two", shop.a, { after: ["one"] }),
      step("three", bank.b, { after: ["two"] }),
    );
    assert.deepEqual(shape(plan), ["one", "two", "three"]);
    const [one, two, three] = branchesOf(plan).main;
    assert.deepEqual([one?.after, two?.after, three?.after], [[], ["b1"], ["b2"]]);
  });

  it("keep external steps alone, and later ones for after the commit", () => {
    const plan = planOf(step("one", card.a), step("two", card.a), step("three", bank.a, { late: true }));
    assert.deepEqual(shape(plan), ["one", "two"]);
    assert.deepEqual(
      branchesOf(plan).later.map(({ id, afterCommit }) => [id, afterCommit]),
      [["b3", true]],
    );
  });

  it("need nobody to decide where one of them, in a database, is all there is", () => {
    const alone = (...steps: StepType[]) => isOneBranch(branchesOf(planOf(...steps)));
    assert.ok(alone(step("one", bank.a), step("two", bank.b)));
    assert.ok(!alone(step("one", bank.a), step("two", shop.a)));
    assert.ok(!alone(step("one", bank.a), step("two", bank.b, { late: true })));
    assert.ok(!alone(step("one", card.a)), "what is done outside commits nothing");
    assert.ok(!alone(step("one", bank.a, { late: true })));
  });

  it("are locked in one order by all transactions, as far as their graphs allow", () => {
    const names = (plan: { steps: Steps }) => lockOrder(branchesOf(plan).main).map(({ participant }) => participant);
    assert.deepEqual(names(planOf(step("one", shop.a), step("two", bank.a))), ["t.v1.Bank", "t.v1.Shop"]);
    const bound = planOf(step("one", shop.a), step("two", bank.a, { after: ["one"] }));
    assert.deepEqual(names(bound), ["t.v1.Shop", "t.v1.Bank"]);
  });

  it("hold each step once, in an order without circles, whatever the graph", () => {
    const ops = [bank.a, bank.b, shop.a, card.a];
    const any = fc.array(fc.record({ op: fc.nat(3), after: fc.array(fc.nat(7)), uses: fc.array(fc.nat(7)) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(any, (given) => {
        const names = (at: number, list: number[]) =>
          [...new Set(list.filter((other) => other < at))].map((one) => `s${one}`);
        const steps = given.map(({ op, after, uses }, at) =>
          step(`s${at}`, ops[op] ?? bank.a, { after: names(at, after), uses: names(at, uses) }),
        );
        const { main } = branchesOf(planOf(...steps));
        assert.deepEqual(
          main.flatMap((one) => one.steps.map(({ step }) => step)).sort(),
          steps.map(({ name }) => name).sort(),
        );
        const seen = new Set<string>();
        for (const { id, after } of main) {
          assert.ok(
            after.every((other) => seen.has(other)),
            `${id} runs before what it waits for`,
          );
          seen.add(id);
        }
      }),
    );
  });
});
