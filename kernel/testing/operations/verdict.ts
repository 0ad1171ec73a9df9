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
    throw new Error(`${what} throws: ${reasonOf(error)}`, { cause: error });
  }
}

export function told({ outcome, refusal, note }: DriveReply): string {
  const why = refusal ? `${refusal.reason} ${refusal.message}` : note;
  return why ? `${outcome} (${why})` : outcome;
}

const alone = "The operation waited for its own transaction, or was cut off: does it use another connection than `tx`?";

/** What a person needs to know of what was thrown: the cause of it first, such as the constraint that says no. */
export function reasonOf(error: unknown): string {
  const { code } = error as { code?: string };
  const cutOff = sqlState(error) === "25P03" || code === "CONNECTION_CLOSED" || code === "UNAVAILABLE";
  const [first = "", ...around] = messagesOf(error);
  const text = [first, ...around.map((message) => `(${message})`)].join(" ");
  return cutOff ? `${unended(text)}. ${alone}` : text;
}

/** The messages of an error and of what caused it, the innermost first; none that another repeats. */
function messagesOf(error: unknown): readonly string[] {
  const found: string[] = [];
  for (let at = error; at !== undefined && at !== null; at = (at as { cause?: unknown }).cause) {
    const message = String((at as { message?: unknown }).message ?? at);
    if (!found.some((other) => other.includes(message))) found.unshift(message);
  }
  return found;
}

/** Without what ends a sentence, for more is to follow. */
export function unended(text: string): string {
  return text.replace(/[.\s]+$/, "");
}
