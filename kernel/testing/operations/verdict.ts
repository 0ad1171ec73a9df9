import assert from "node:assert/strict";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { thrownBy } from "./reasons.ts";
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
  assert.fail(`${stage.named(one, action)} must end ${outcome}, and ends ${told(reply)}`);
}

/** Drives, and says of what is thrown where it comes from. */
export function ask(stage: Stage, one: Tried, action: BranchAction): Promise<DriveReply> {
  return saying(stage.named(one, action), () => stage.drive(one, action));
}

/** Does something, and says of what is thrown where it comes from. */
export async function saying<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw thrownBy(what, error);
  }
}

export function told({ outcome, refusal, note }: DriveReply): string {
  const why = refusal ? `${refusal.reason} ${refusal.message}` : note;
  return why ? `${outcome} (${why})` : outcome;
}
