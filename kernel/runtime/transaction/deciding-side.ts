import { asStatusError } from "../../call/outcome.ts";
import type {
  AbortReason,
  Decision,
  DecisionDetails,
  TransactionNote,
  TransactionRecord,
  TransactionStatus,
} from "../../spi/coordinator.ts";
import { roundMs } from "./backoff.ts";
import { endOf } from "./ends.ts";
import { reasonOf } from "./failures.ts";
import type { Journey } from "./journey.ts";
import { LeftForLater, leasedAt } from "./subject.ts";

/** What the coordinator is told of a transaction between its begin and its end. */
export interface DecidingSide {
  /** @param next puts it off with the decision, unless somebody else has decided */
  decide(decision: Decision, abort?: AbortReason, unknown?: string, next?: DecisionDetails["next"]): Promise<Decision>;
  /** The reason of an abort, looked up where somebody else decided. */
  whyAborted(): Promise<AbortReason>;
  finish(decision: Decision): Promise<void>;
  /** Notes how far it got and why it is left, and when somebody is to go on. Gives what to throw. */
  leave(lastError: string, next?: NextRound): Promise<Error>;
}

/** Which round comes next, and when. */
export interface NextRound {
  readonly attempts: number;
  readonly nextInMs: number;
  /** Whether it needs a person; by default it does after many rounds, or long after its decision. */
  readonly stuck?: boolean;
}

/** So often a decision is asked for while the coordinator cannot be reached. */
export const decideAttempts = 20;

export function decidingSide(journey: Journey): DecidingSide {
  const { node, subject, outputs, done } = journey;
  const { gid, transaction, strategy, input, record, acknowledged } = subject;
  const { options, ports, log, counters } = node;
  const unnoted = acknowledged?.branch;
  let abortReason = record?.abort;
  /** Outputs the coordinator has; more come about when branches settle. */
  let known = Object.keys(record?.outputs ?? {}).length;

  /**
   * Whether the decision that was asked for is certainly that of who asks: others take it on after its lease, and participants
   * that ask have it decided after its deadline, with the outputs they know of.
   */
  const isOwn = (attempt: number) => attempt === 0 && !record && ports.clock.now() < journey.deadline;

  async function decide(
    decision: Decision,
    abort?: AbortReason,
    unknown?: string,
    next?: DecisionDetails["next"],
  ): Promise<Decision> {
    for (let attempt = 0; ; attempt++) {
      try {
        const said = decision === "committing" ? { outputs: Object.fromEntries(outputs) } : abort ? { abort } : {};
        const what: DecisionDetails = { ...said, ...(next && { next }) };
        const status = await node.coordinator().decide(gid, decision, what);
        if (unknown !== undefined) await node.at(unknown);
        if (status === undefined) return decide("aborting", reasonOf("INTERRUPTED", "its begin was lost"));
        const decided = decisionOf(status);
        if (decided === decision && what.outputs && isOwn(attempt)) known = Object.keys(what.outputs).length;
        if (decided === "aborting" && decision === "aborting") abortReason ??= abort;
        return decided;
      } catch (error) {
        // Whether it counts is not known; asking again gives the decision there is.
        if (asStatusError(error).code !== "UNAVAILABLE" || attempt >= decideAttempts) throw error;
        await journey.pause(attempt);
      }
    }
  }

  async function whyAborted(): Promise<AbortReason> {
    abortReason ??= (await node.coordinator().get(gid))?.abort;
    return abortReason ?? reasonOf("INTERRUPTED", "somebody else aborted it");
  }

  const roundAfter = (attempts: number): NextRound => ({
    attempts: attempts + 1,
    nextInMs: roundMs(attempts, options, ports.random),
  });

  /** Since the decision, in milliseconds by the clock of the coordinator alone: that here may be wrong. */
  const ageOf = (now: TransactionRecord | undefined) =>
    now?.decidedAt === undefined ? 0 : leasedAt(now, options.leaseMs) - now.decidedAt;

  return {
    decide,
    whyAborted,

    async finish(decision) {
      const committed = decision === "committing";
      const end = endOf({ gid, transaction, input }, committed ? undefined : await whyAborted());
      const more = committed && outputs.size > known;
      const last = { ...(unnoted && { done: [unnoted] }), ...(more && { outputs: Object.fromEntries(outputs) }) };
      await node.ends.finish(end, strategy, journey.context(), unnoted || more ? last : undefined);
    },

    async leave(lastError, next) {
      const now = next ? record : await node.coordinator().get(gid);
      const { attempts, nextInMs } = next ?? roundAfter(now?.attempts ?? 0);
      const stuck = next?.stuck ?? (attempts >= options.stuckAfterRounds || ageOf(now) > options.stuckAfterMs);
      const note: TransactionNote = {
        done: [...done],
        outputs: Object.fromEntries(outputs),
        attempts,
        ...(lastError !== "" && { lastError }), // a participant may have told meanwhile why it fails
        stuck,
        nextInMs,
      };
      await node.coordinator().note(gid, note);
      counters.left(transaction.name, strategy);
      const facts = { gid, transaction: transaction.name, strategy, attempts, lastError };
      if (stuck && !now?.stuck) log.error("a transaction is stuck and needs a person; it is still tried", facts);
      return new LeftForLater(lastError);
    },
  };
}

function decisionOf(status: TransactionStatus): Decision {
  if (status === "active") throw new Error("an active transaction has no decision");
  return status === "committing" || status === "committed" ? "committing" : "aborting";
}
