import { asStatusError } from "../../call/outcome.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import type { DrivenTransaction } from "../../spi/transaction.ts";
import { acknowledgeMs, roundMs } from "./backoff.ts";
import type { DecidingSide } from "./deciding-side.ts";
import type { Journey } from "./journey.ts";
import { sendingId } from "./message-ids.ts";

/** Has branches done by whoever takes them from the bus. */
export type BusSide = Pick<DrivenTransaction, "decideToDeliver" | "deliver">;

export function busSide(journey: Journey, { decide, leave }: Pick<DecidingSide, "decide" | "leave">): BusSide {
  const { node } = journey;
  const { record } = journey.subject;
  const { options, ports } = node;
  /** Counted from the decision: rounds before it, in which its first branch was asked about, have sent nothing. */
  const round = record && record.status !== "active" ? record.attempts : 0;
  let isPutOff = false;

  const nextRound = () => ({ attempts: round + 1, nextInMs: acknowledgeMs(round, options, ports.random) });

  return {
    async decideToDeliver() {
      const decision = await decide("committing", undefined, undefined, nextRound());
      isPutOff = decision === "committing";
      return decision;
    },

    async deliver(branches) {
      const sent = round === 0 ? branches : branches.filter(({ participant }) => node.resends.take(participant));
      const results = await Promise.allSettled(sent.map((branch) => publishBranch(journey, branch, round)));
      const failure = results.find((result) => result.status === "rejected");
      if (failure) {
        // It counts as no round: the same ids are used again, and the bus drops what it has taken after all.
        const nextInMs = roundMs(0, options, ports.random);
        await leave(`not published: ${asStatusError(failure.reason).message}`, { attempts: round, nextInMs });
        return;
      }
      if (isPutOff) return;
      // What a participant said about its failure tells more.
      const told = branches.some(({ id }) => record?.lastError.startsWith(`${id}: `)) ? record?.lastError : undefined;
      const late = round === 0 ? "" : (told ?? "not all branches have said that they are done");
      await leave(late, nextRound());
    },
  };
}

/** Publishes one branch; within a round it has one id, so that the bus recognises a repetition. */
export async function publishBranch(journey: Journey, branch: PlannedBranch, round: number): Promise<void> {
  const { node, subject } = journey;
  const request = journey.request(branch, "apply");
  const id = sendingId(subject.gid, branch.id, round);
  await journey.inSpan(branch, "publish", (within) => node.publishBranch(request, id, branch.participant, within));
}
