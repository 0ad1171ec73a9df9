import assert from "node:assert/strict";
import { it } from "node:test";
import { StatusError } from "../../call/status.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { pay } from "../../testing/bank-app.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { branchesOf } from "./branches.ts";
import { forwardSide } from "./forward-side.ts";
import type { Journey } from "./journey.ts";

it("says at the deadline what was answered last", async () => {
  const ports = virtualPorts();
  const journey = {
    node: { ports, options: { attempts: 5 } },
    deadline: 100,
    pause: () => ports.timers.sleep(30),
    ask: async () => {
      throw new StatusError("UNAVAILABLE", "no instance of test.bank.v1.OwnOperations", { reason: "NO_INSTANCE" });
    },
  } as unknown as Journey;
  const { forward } = forwardSide(journey, async () => new Error("never left"));
  const [first] = branchesOf(pay as unknown as AnyTransaction).main;
  assert.ok(first);
  const outcome = await ports.settle(forward([first], "apply"));
  assert.ok(!outcome.done);
  assert.deepEqual(outcome.abort, {
    reason: "DEADLINE",
    step: "take",
    message: "it took longer than its deadline allows; the last answer: no instance of test.bank.v1.OwnOperations",
    details: {},
  });
});
