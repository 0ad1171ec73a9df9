import assert from "node:assert/strict";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import { sqlState } from "../../runtime/transaction/fence.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import type { Stage, Tried } from "./stage.ts";

/** Fails with both states side by side unless they are equal. */
export function same(actual: unknown, expected: unknown, what: string): void {
  try {
    assert.deepStrictEqual(actual, expected);
  } catch (error) {
    const found = String((error as Error).message)
      .split("\n")
      .slice(1)
      .join("\n");
    throw new assert.AssertionError({
      message: `${what} (+ is what there is, - what was expected)\n${found}`,
      actual,
      expected,
    });
  }
}

/** Fails unless an action ends as it must. */
export async function must(
  stage: Stage,
  one: Tried,
  action: BranchAction,
  outcome: DriveReply["outcome"] = "done",
): Promise<DriveReply> {
  const reply = await ask(stage, one, action);
  if (reply.outcome === outcome) return reply;
  assert.fail(`${action} of ${one.operation.name} must end ${outcome}, and ends ${told(reply)}`);
}

/** Drives, and says of what is thrown where it comes from. */
export async function ask(stage: Stage, one: Tried, action: BranchAction): Promise<DriveReply> {
  try {
    return await stage.drive(one, action);
  } catch (error) {
    throw new Error(`${action} of ${one.operation.name} throws: ${reasonOf(error)}`, { cause: error });
  }
}

export function told({ outcome, refusal, note }: DriveReply): string {
  const why = refusal ? `${refusal.reason} ${refusal.message}` : note;
  return why ? `${outcome} (${why})` : outcome;
}

const alone = "The operation waited for its own transaction, or was cut off: does it use another connection than `tx`?";

function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  const cutOff = sqlState(error) === "25P03" || code === "CONNECTION_CLOSED" || code === "UNAVAILABLE";
  return cutOff ? `${message}. ${alone}` : String(message);
}
