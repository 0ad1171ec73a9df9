import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { Ports } from "../../core/ports.ts";
import type { Decision, TransactionRecord } from "../../spi/coordinator.ts";
import { drive } from "./driver.ts";
import { reasonOf } from "./failures.ts";
import { strategyOf, subjectOfRecord } from "./initiator.ts";
import type { TransactionNode } from "./node.ts";
import { begunElsewhere, notNow } from "./refusals.ts";
import { type Driver, LeftForLater } from "./subject.ts";

/**
 * Checks whether an undecided transaction can be decided by hand here, and gives what does it: that resolves with its status,
 * and rejects where the decision is, or has to be, another one. Waits for participants until shortly before the call ends; then
 * nothing is decided, and UNAVAILABLE names those that did not answer.
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
  const { force } = strategyOf(node, strategy);
  if (!force) throw notNow("CANNOT_FORCE", `the strategy ${strategy} lets nobody decide by hand`);
  const silent = new Map<string, string>();
  const driver = drive(listening(node, record, silent), subjectOfRecord(record, transaction));
  return async () => {
    const patience = patienceFor(driver, call, node.ports);
    try {
      const made = await Promise.race([force(patience.driver, decision), patience.over]);
      if (made !== decision) throw decided(gid, made);
      return made;
    } catch (error) {
      throw error instanceof LeftForLater ? undecided(decision, silent, error.message) : error;
    } finally {
      patience.end();
    }
  };
}

/** The node, and by branch why it has not answered so far. */
function listening(node: TransactionNode, record: TransactionRecord, silent: Map<string, string>): TransactionNode {
  const tell = (id: string, why: string) => {
    const branch = record.branches.find((one) => one.id === id);
    const steps = branch?.steps.map(({ step }) => step).join("+") ?? "";
    silent.set(id, `${branch?.participant ?? ""} has not @ (${id} ${steps}): ${why}`);
  };
  return {
    ...node,
    async ask(participant, request, context) {
      tell(request.branch, "it was asked and has not answered yet");
      try {
        const reply = await node.ask(participant, request, context);
        if (reply.outcome === "ongoing") tell(request.branch, reply.note);
        else silent.delete(request.branch);
        return reply;
      } catch (error) {
        tell(request.branch, asStatusError(error).message);
        throw error;
      }
    },
  };
}

/** Of the time the call has left, this part is kept for the answer; at most so many milliseconds. */
const kept = { part: 0.2, mostMs: 1_000 };

/** The driver for as long as somebody waits for it: after that it decides nothing any more, and takes nothing forward. */
function patienceFor(driver: Driver, call: Context, { clock, timers }: Ports) {
  const leftMs = Math.max(0, call.deadline - clock.now());
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  let state: "waiting" | "deciding" | "over" = "waiting";
  const giveUp = () => {
    if (state !== "waiting") return; // what is being decided is answered, however late
    state = "over";
    driver.overrule(reasonOf("INTERRUPTED", "nobody waits for it any more"));
    ended.reject(new LeftForLater("there was no time left"));
  };
  const check = () => {
    if (state === "over") throw new LeftForLater("there was no time left");
  };
  const timer = timers.after(leftMs - Math.min(kept.mostMs, leftMs === Infinity ? 0 : leftMs * kept.part), giveUp);
  const forget = call.onCancel(giveUp);
  const patient: Driver = {
    ...driver,
    async pause(attempt) {
      check();
      await driver.pause(attempt);
      check();
    },
    async decide(...given) {
      check();
      state = "deciding";
      return driver.decide(...given);
    },
    async decideToDeliver() {
      check();
      state = "deciding";
      return driver.decideToDeliver();
    },
  };
  return {
    driver: patient,
    over: ended.promise,
    end() {
      timer.cancel();
      forget();
    },
  };
}

function undecided(decision: Decision, silent: ReadonlyMap<string, string>, why: string): StatusError {
  const lacks = decision === "committing" ? "voted" : "said whether it was done";
  const who = [...silent.values()].map((text) => text.replace("@", lacks)).join("; ") || why;
  return new StatusError("UNAVAILABLE", `${who}. Nothing was decided.`, { retryable: false });
}

function decided(gid: string, status: string): StatusError {
  return notNow("ALREADY_DECIDED", `the transaction ${gid} is decided: it is ${status}`);
}
