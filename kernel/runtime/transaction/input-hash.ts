import { createHash } from "node:crypto";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { AbortReason } from "../../spi/coordinator.ts";
import { rejected } from "./kept.ts";
import type { Subject } from "./subject.ts";

/**
 * The hash of the input of a transaction that somebody may have run before under the same key, where its first branch and no
 * record tells. What a record keeps is compared with the record.
 *
 * @param firstDecides it is of one branch, or what its first branch commits is the decision
 */
export function inputHashOf({ fresh, record, input }: Subject, firstDecides: () => boolean): Uint8Array | undefined {
  if (fresh || record || !firstDecides()) return undefined;
  return new Uint8Array(createHash("sha256").update(input).digest());
}

/** The answer to a request with such a hash: a refusal where the branch was done with another input. */
export function compared(reply: DriveReply, inputHash: Uint8Array | undefined, transaction: string): DriveReply {
  if (!inputHash || !reply.inputHash || Buffer.compare(inputHash, reply.inputHash) === 0) return reply;
  return rejected({ ...keyReused(transaction), details: new Map() });
}

/** Whether two requests for one branch are of the same input. */
export function areOfOneInput({ inputHash: one }: DriveRequest, { inputHash: other }: DriveRequest): boolean {
  return !one || !other || Buffer.compare(one, other) === 0;
}

/** The reason of {@link keyReused}. */
export const reused = "KEY_REUSED";

/** Why a run is refused whose key was used for something else. */
export function keyReused(transaction: string): AbortReason {
  const message = `the key of this ${transaction} was used before, with another input`;
  return { reason: reused, message, step: "", details: {} };
}
