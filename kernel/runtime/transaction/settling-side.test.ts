import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import { pay } from "../../testing/bank-app.ts";
import { branchesOf } from "./branches.ts";
import { forwardSide } from "./forward-side.ts";
import type { Journey } from "./journey.ts";
import { settlingSide } from "./settling-side.ts";
import { LeftForLater } from "./subject.ts";

const [planned] = branchesOf(pay as unknown as AnyTransaction).main;
const branches = ["b1", "b2", "b3"].map((id) => ({ ...(planned as PlannedBranch), id, after: [] }));

/** A driver whose participants cannot be reached, but for some. */
function stage(reachable: (branch: PlannedBranch) => boolean = () => false) {
  const left: string[] = [];
  const done = new Set<string>();
  const asked: string[] = [];
  const journey = {
    node: {
      ...{ ports: { clock: { now: () => 0 } }, options: { attempts: 3 }, log: { error: () => undefined } },
      at: () => undefined,
    },
    ...{ deadline: Number.POSITIVE_INFINITY, plan: { main: branches, later: [] }, done },
    subject: { gid: "g", transaction: pay },
    pause: async () => undefined,
    ask: async (branch: PlannedBranch) => {
      asked.push(branch.id);
      if (!reachable(branch)) throw new StatusError("UNAVAILABLE", "nobody there");
      return { outcome: "done", results: [], note: "" };
    },
  } as unknown as Journey;
  const leave = async (why: string) => {
    left.push(`${why}; done: ${[...done].join()}`);
    return new LeftForLater(why);
  };
  const { forward } = forwardSide(journey, leave);
  return { left, asked, forward, ...settlingSide(journey, { forward }, leave) };
}

describe("a round in which several branches fail", () => {
  it("is left once, when all of them are through", async () => {
    const last = branches.at(-1);
    const { left, asked, settle } = stage((branch) => branch === last);
    assert.ok(last);
    await assert.rejects(settle(branches, "confirm", "beside"), LeftForLater);
    assert.deepEqual(left, [`${branches[0]?.participant}: nobody there; done: ${last.id}`]);
    assert.equal(asked.length, 3 + 3 + 1);
  });

  it("is left once before the decision, too", async () => {
    const { left, asked, forward } = stage();
    await assert.rejects(forward(branches, "apply"), LeftForLater);
    assert.equal(left.length, 1);
    const before = asked.length;
    await new Promise(setImmediate);
    assert.equal(asked.length, before, "the other branches are asked no more");
  });
});
