import { asStatusError } from "../../call/outcome.ts";
import type { AbortReason, NewTransaction } from "../../spi/coordinator.ts";
import { longestRoundMs } from "./backoff.ts";
import { busSide } from "./bus-side.ts";
import { decideAttempts, decidingSide } from "./deciding-side.ts";
import { forwardSide } from "./forward-side.ts";
import { journeyOf } from "./journey.ts";
import type { TransactionNode } from "./node.ts";
import { outboxSide } from "./outbox-side.ts";
import { settlingSide } from "./settling-side.ts";
import { type Answer, BegunBefore, type Driver, type Subject, wasLate } from "./subject.ts";

/** Makes what a strategy drives one transaction with. */
export function drive(node: TransactionNode, subject: Subject): Driver {
  const { gid, transaction, strategy, input, record } = subject;
  const journey = journeyOf(node, subject);
  const { plan, outputs } = journey;
  const { decide, whyAborted, finish, leave } = decidingSide(journey);
  const { forward, overrule } = forwardSide(journey, leave);
  const answered = Promise.withResolvers<Answer>();
  let recorded = record !== undefined;

  const begins = (status: NewTransaction["status"], abort?: AbortReason): NewTransaction => ({
    gid,
    name: transaction.name,
    version: transaction.version,
    strategy,
    input,
    branches: [...plan.main, ...plan.later],
    status,
    ...(abort && { abort }),
    outputs: Object.fromEntries(outputs),
    deadlineMs: subject.deadlineMs,
    trace: subject.traceparent,
    past: subject.past,
  });

  /** Gives the record there is if somebody began it before. */
  async function begin(status: NewTransaction["status"], abort?: AbortReason) {
    recorded = true;
    const before = await node.coordinator().begin(begins(status, abort), node.owner, node.options.leaseMs);
    if (!before) counted();
    return before;
  }
  const counted = () => node.counters.begun(transaction.name, strategy);

  /**
   * The same, again for as long as nobody says whether it has begun: a record that is there then is its own, whose answer was
   * lost. Nobody waits for that. Where it stays unknown, its answer is its end, as of what has no record: it holds nothing.
   */
  async function beginSurely(status: NewTransaction["status"], abort: AbortReason) {
    for (let attempt = 0; ; attempt++) {
      try {
        const before = await begin(status, abort);
        const isOwn = attempt > 0 && (subject.fresh || before?.owner === node.owner);
        if (!before || !isOwn) return before;
        counted();
        return undefined;
      } catch (error) {
        if (asStatusError(error).code !== "UNAVAILABLE" || attempt >= decideAttempts) {
          recorded = false;
          throw error;
        }
        answered.resolve({ status: "pending" });
        await journey.pause(attempt);
      }
    }
  }

  return {
    gid,
    transaction,
    strategy,
    branches: plan.main,
    later: plan.later,
    fresh: subject.fresh,
    late: wasLate(record, node.options.leaseMs),
    outputs,
    answered: answered.promise,
    begins,
    get recorded() {
      return recorded;
    },
    get doneBefore() {
      return journey.before.was;
    },
    overrule,
    drive: journey.ask,
    forward,
    decide,
    finish,
    ...settlingSide(journey, { forward }, leave),
    ...outboxSide(journey),
    ...busSide(journey, { decide, leave }),

    async begin() {
      const before = await begin("active").catch((error: unknown) => {
        counted(); // whether it was begun is not known; it is brought to an end if it was, or aborted
        throw error;
      });
      if (before) throw new BegunBefore(before);
    },

    async beginAborted(abort) {
      const before = await beginSurely("aborting", abort);
      if (before) throw new BegunBefore(before);
    },

    adopt() {
      const adopting = begin("committing").then(() => undefined);
      node.adopted.keep(gid, adopting);
      adopting.catch(() => void node.adopted.take(gid));
      return adopting;
    },

    async answer(outcome) {
      if (outcome === "committed" || outcome === "pending") return answered.resolve({ status: outcome });
      answered.resolve({ status: "aborted", abort: outcome === "aborted" ? await whyAborted() : outcome });
    },

    async leave(lastError, how) {
      const next = { attempts: record?.attempts ?? 0, nextInMs: longestRoundMs(node.options, node.ports.random) };
      await (how ? leave(lastError, { ...next, stuck: how !== "waits" }) : leave(lastError));
    },
    pause: (attempt) => journey.pause(attempt),
    at: (point) => node.at(point),
  };
}
