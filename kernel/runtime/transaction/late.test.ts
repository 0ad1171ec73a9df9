import assert from "node:assert/strict";
import { it } from "node:test";
import type { AbortReason, Decision, TransactionRecord } from "../../spi/coordinator.ts";
import { decisionFor } from "../../spi/driving.ts";
import type { DrivenTransaction } from "../../spi/transaction.ts";
import { wasLate } from "./subject.ts";

const leaseMs = 15_000;
/** Taken on at this moment. */
const now = 1_000_000;
const recordOf = (deadlineAt: number | undefined) =>
  ({ status: "active", deadlineAt, leaseUntil: now + leaseMs }) as unknown as TransactionRecord;

const cases: readonly (readonly [what: string, deadlineAt: number | undefined, late: boolean])[] = [
  ["has none", undefined, false],
  ["lies behind the lease", now + leaseMs + 1, false],
  ["lies within the lease", now + leaseMs - 1, false],
  ["is about to pass", now + 1, false],
  ["passes at that moment", now, true],
  ["has passed", now - 1, true],
];

for (const [what, deadlineAt, late] of cases)
  it(`a transaction taken on whose deadline ${what} is aborted as ${late ? "late" : "interrupted"}`, async () => {
    const record = recordOf(deadlineAt);
    const asked: [Decision, string | undefined][] = [];
    const decide = async (decision: Decision, abort?: AbortReason) => {
      asked.push([decision, abort?.reason]);
      return decision;
    };
    const t = { late: wasLate(record, leaseMs), decide } as Partial<DrivenTransaction> as DrivenTransaction;
    assert.equal(await decisionFor(t, record), "aborting");
    assert.deepEqual(asked, [["aborting", late ? "DEADLINE" : "INTERRUPTED"]]);
  });

it("a transaction that nobody has taken on is not late", () => {
  assert.equal(wasLate(undefined, leaseMs), false);
});
