import { asStatusError } from "../../call/outcome.ts";
import type { AbortReason, PlannedBranch } from "../../spi/coordinator.ts";
import type { BranchAction, Forward } from "../../spi/transaction.ts";
import { lockOrder } from "./branches.ts";
import { type Failed, failed, failureIn, passing, reasonOf } from "./failures.ts";
import { heldByOthers } from "./fence.ts";
import type { Journey } from "./journey.ts";

/** Takes branches forward while nothing is decided, or nothing can be said no to any more. */
export interface ForwardSide {
  forward(branches: readonly PlannedBranch[], action: BranchAction, asking?: string): Promise<Forward>;
  /** Somebody else has aborted it: nothing more is taken forward. */
  overrule(abort: AbortReason): void;
}

/** @param leave notes why it is left after too many attempts, once for all branches, and gives what to throw */
export function forwardSide(journey: Journey, leave: (lastError: string) => Promise<Error>): ForwardSide {
  const { node, deadline } = journey;
  const { clock } = node.ports;
  let overruled: AbortReason | undefined;
  let leaving: Promise<Error> | undefined;

  /** Nothing when it is done, why it will not go, or a text when the same may be asked again. */
  async function attempt(branch: PlannedBranch, action: BranchAction, asking: string | undefined) {
    try {
      if (asking !== undefined) await node.at(asking);
      const reply = await journey.ask(branch, action);
      return reply.outcome === "done" ? undefined : (failureIn(reply, branch) ?? reply.note);
    } catch (error) {
      const { code, reason, message } = asStatusError(error);
      return passing.has(code) ? message : failed(reasonOf(reason ?? code, message, branch));
    }
  }

  /** One branch forward; nothing when it is done or the others have given up, or why it will not go. */
  async function forwardOne(
    branch: PlannedBranch,
    action: BranchAction,
    asking: string | undefined,
    given: () => boolean,
  ): Promise<Failed | undefined> {
    let last = "";
    for (let count = 0; ; count++) {
      if (given()) return undefined;
      if (overruled) return failed(overruled);
      if (clock.now() >= deadline)
        return failed(reasonOf("DEADLINE", `it took longer than its deadline allows${last}`, branch));
      const outcome = await attempt(branch, action, asking);
      if (typeof outcome !== "string") return outcome;
      last = `; the last answer: ${outcome}${outcome === heldByOthers ? heldUp : ""}`;
      if (deadline === Number.POSITIVE_INFINITY && count + 1 >= node.options.attempts) {
        leaving ??= leave(outcome);
        throw await leaving;
      }
      await journey.pause(count, deadline - clock.now());
    }
  }

  return {
    overrule(abort) {
      overruled = abort;
    },

    async forward(branches, action, asking) {
      let first: Failed | undefined;
      const stopped = Promise.withResolvers<void>();
      const running = new Map<string, Promise<void>>();
      // What is prepared keeps its locks: taken in one order by all, no two wait for each other over two databases.
      const inLine = action === "prepare";
      for (const branch of inLine ? lockOrder(branches) : branches) {
        const before = inLine ? [...running.values()] : branch.after.flatMap((id) => running.get(id) ?? []);
        const one = Promise.all(before).then(async () => {
          const why = first
            ? undefined
            : await forwardOne(branch, action, asking, () => (first ?? leaving) !== undefined);
          if (!why) return;
          first ??= why;
          stopped.resolve();
        });
        running.set(branch.id, one);
      }
      const all = Promise.all(running.values());
      all.catch(() => undefined); // told below, unless the transaction has failed before
      await Promise.race([all, stopped.promise]);
      return first ?? { done: true };
    },
  };
}

/** What to do about somebody else who was at it until the deadline. */
const heldUp =
  ". Whoever that is keeps rows this one needs, and may wait for rows of this one: see what else is under way (mortise tx list), and have all transactions take participants in one order (docs/transactions.md, What blocks)";
