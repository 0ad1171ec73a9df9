import assert from "node:assert/strict";
import { it } from "node:test";
import { StatusError } from "../../call/status.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { pay } from "../../testing/bank-app.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { branchesOf } from "./branches.ts";
import { heldByOthers } from "./fence.ts";
import { forwardSide } from "./forward-side.ts";
import type { Journey } from "./journey.ts";
import { answer } from "./kept.ts";

/** Why a branch was not done by its deadline, whose participant answers like this. */
async function missed(ask: Journey["ask"]) {
  const ports = virtualPorts();
  const journey = {
    node: { ports, options: { attempts: 5 } },
    deadline: 100,
    pause: () => ports.timers.sleep(30),
    ask,
  } as unknown as Journey;
  const { forward } = forwardSide(journey, async () => new Error("never left"));
  const [first] = branchesOf(pay as unknown as AnyTransaction).main;
  assert.ok(first);
  const outcome = await ports.settle(forward([first], "apply"));
  return outcome.done ? undefined : outcome.abort;
}

it("says at the deadline what was answered last", async () => {
  const away = async () => {
    throw new StatusError("UNAVAILABLE", "no instance of test.bank.v1.OwnOperations", { reason: "NO_INSTANCE" });
  };
  assert.deepEqual(await missed(away), {
    reason: "DEADLINE",
    step: "take",
    message: "it took longer than its deadline allows; the last answer: no instance of test.bank.v1.OwnOperations",
    details: {},
  });
});

it("says at the deadline what somebody else may mean who was at it, and where to look", async () => {
  const why = await missed(async () => answer("ongoing", heldByOthers));
  assert.match(
    why?.message ?? "",
    /last answer: somebody else is at it\. Whoever that is .* may wait for rows of this/,
  );
  assert.match(why?.message ?? "", /mortise tx list.*docs\/transactions\.md, What blocks/);
});
