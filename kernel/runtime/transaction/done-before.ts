import { asStatusError } from "../../call/outcome.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";

/** Finds out whether what has no record was done before this process asked for it, so that somebody else has counted its end. */
export interface DoneBefore {
  heard(reply: Pick<DriveReply, "outcome" | "inputHash">): void;
  /** There was no answer. What was asked may be done all the same, and is then done by this process. */
  unheard(error: unknown): void;
  /** Whether the first answer that said how it ended was that to a repetition. */
  readonly was: boolean;
}

export function doneBefore(): DoneBefore {
  let was: boolean | undefined;
  let unsure = false;
  return {
    heard({ outcome, inputHash }) {
      if (outcome === "done" || outcome === "rejected") was ??= inputHash !== undefined && !unsure;
    },
    unheard(error) {
      unsure ||= !asStatusError(error).neverSent;
    },
    get was() {
      return was ?? false;
    },
  };
}
