import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { DrivenTransaction } from "../../spi/transaction.ts";
import { failed, failureIn, passing, reasonOf } from "./failures.ts";
import type { Journey } from "./journey.ts";
import { stateOf } from "./outbox-patience.ts";

/** Leaves branches to the outbox beside the first one. */
export type OutboxSide = Pick<DrivenTransaction, "applyWithOutbox" | "outboxHolds">;

export function outboxSide(journey: Journey): OutboxSide {
  const { node, deadline } = journey;
  const { gid, transaction, strategy, input, traceparent } = journey.subject;

  return {
    async applyWithOutbox(first, rest, kind) {
      const host = node.hosted(first.participant);
      if (!host) throw new StatusError("FAILED_PRECONDITION", notHosted(transaction.name, first.participant));
      const about = { gid, transaction, strategy, input, trace: traceparent };
      const rows = { ...about, first: first.id, branches: rest, kind };
      for (let attempt = 0; ; attempt++) {
        let failure: string;
        try {
          const request = node.withKeeper(journey.request(first, "apply"));
          const reply = await journey.answered(
            journey.inSpan(first, "apply", (within) => host.applyAlong(request, within, rows)),
          );
          if (reply.outcome === "done") {
            node.relayed();
            return { done: true };
          }
          const why = failureIn(reply, first);
          if (why?.certain) return why;
          failure = reply.note;
        } catch (error) {
          if (!passing.has(asStatusError(error).code)) throw error;
          failure = asStatusError(error).message;
        }
        if (node.ports.clock.now() >= deadline || attempt >= node.options.attempts)
          return failed(reasonOf("DEADLINE", failure, first));
        await journey.pause(attempt);
      }
    },

    async outboxHolds(first) {
      const host = node.hosted(first.participant);
      return host ? stateOf(host.performer.database.sql, gid, node.options) : { holds: "waiting", lastError: "" };
    },
  };
}

function notHosted(transaction: string, participant: string): string {
  return `transaction ${transaction}: ${participant} is performed by another process; its first steps must be performed where it is begun`;
}
