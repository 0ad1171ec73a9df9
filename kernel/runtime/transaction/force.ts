import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import type { Decision, TransactionRecord } from "../../spi/coordinator.ts";
import { drive } from "./driver.ts";
import { strategyOf, subjectOfRecord } from "./initiator.ts";
import type { TransactionNode } from "./node.ts";
import { begunElsewhere, notNow } from "./refusals.ts";
import { LeftForLater } from "./subject.ts";

/**
 * Checks whether an undecided transaction can be decided by hand here, and gives what does it: that resolves with its status,
 * and rejects where the decision is, or has to be, another one. Waits for participants as long as the call lasts.
 */
export function forceDecision(
  node: TransactionNode,
  record: TransactionRecord,
  decision: Decision,
  call: Context,
): () => Promise<Decision> {
  const { gid, name, status, strategy } = record;
  if (status !== "active") throw decided(gid, status);
  const transaction = node.initiated.get(name);
  if (!transaction) throw begunElsewhere(name);
  const driver = drive(node, subjectOfRecord(record, transaction));
  const { force } = strategyOf(node, strategy);
  if (!force) throw notNow("CANNOT_FORCE", `the strategy ${strategy} lets nobody decide by hand`);
  const patient = {
    ...driver,
    async pause(attempt: number) {
      if (call.cancelled) throw call.cancelled;
      await driver.pause(attempt);
    },
  };
  return async () => {
    const made = await force(patient, decision).catch((error: unknown) => {
      if (error instanceof LeftForLater) throw new StatusError("UNAVAILABLE", error.message, { retryable: false });
      throw error;
    });
    if (made !== decision) throw decided(gid, made);
    return made;
  };
}

function decided(gid: string, status: string): StatusError {
  return notNow("ALREADY_DECIDED", `the transaction ${gid} is decided: it is ${status}`);
}
