import { asStatusError } from "../../call/outcome.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import type { BranchAction, DrivenTransaction, SettleOrder } from "../../spi/transaction.ts";
import { failed, reasonOf } from "./failures.ts";
import type { ForwardSide } from "./forward-side.ts";
import type { Journey } from "./journey.ts";
import { LeftForLater } from "./subject.ts";

/** A branch could not be brought to its end in this round. */
class Unsettled extends Error {}

/** Makes true what is decided, and does what follows a commit. */
export type SettlingSide = Pick<DrivenTransaction, "settle" | "runLater">;

/** @param leave notes why it is left after too many attempts, once for all branches, and gives what to throw */
export function settlingSide(
  journey: Journey,
  { forward }: Pick<ForwardSide, "forward">,
  leave: (lastError: string) => Promise<Error>,
): SettlingSide {
  const { node, plan, done } = journey;
  const { gid, transaction } = journey.subject;

  async function heuristic(branch: PlannedBranch, note: string): Promise<void> {
    const facts = { gid, transaction: transaction.name, branch: branch.id, note };
    node.log.error("a branch ended otherwise than its transaction", facts);
    await node.coordinator().note(gid, { heuristic: note });
  }

  /** Nothing when it is at its end, or why it is not. */
  async function attempt(branch: PlannedBranch, action: BranchAction, asking: string | undefined) {
    try {
      if (asking !== undefined) await node.at(asking);
      const { outcome, refusal, note } = await journey.ask(branch, action);
      if (outcome === "heuristic") await heuristic(branch, note);
      if (outcome === "done" || outcome === "heuristic") return undefined;
      return refusal ? `${branch.participant} refuses: ${refusal.reason}` : note;
    } catch (error) {
      return `${branch.participant}: ${asStatusError(error).message}`;
    }
  }

  async function settleOne(branch: PlannedBranch, action: BranchAction, asking: string | undefined): Promise<void> {
    if (done.has(branch.id)) return;
    for (let count = 0; ; count++) {
      const failure = await attempt(branch, action, asking);
      if (failure === undefined) return void done.add(branch.id);
      if (count + 1 >= node.options.attempts) throw new Unsettled(failure);
      await journey.pause(count);
    }
  }

  async function settle(
    branches: readonly PlannedBranch[],
    action: BranchAction,
    order: SettleOrder,
    asking?: string,
  ): Promise<void> {
    const running = new Map<string, Promise<void>>();
    for (const branch of order === "reverse" ? branches.toReversed() : branches) {
      const before = waitsFor(branch, branches, order).flatMap((id) => running.get(id) ?? []);
      running.set(
        branch.id,
        Promise.all(before).then(() => settleOne(branch, action, asking)),
      );
    }
    const results = await Promise.allSettled(running.values());
    const failure = results.find((result) => result.status === "rejected");
    if (failure) throw failure.reason instanceof Unsettled ? await leave(failure.reason.message) : failure.reason;
  }

  return {
    settle,

    /** What may be dropped is tried for one round only. */
    async runLater() {
      const must = plan.later.filter(({ droppable }) => !droppable);
      const may = plan.later.filter(({ droppable }) => droppable);
      await settle(must, "apply", "along");
      const dropped = await forward(may, "apply").catch((error: unknown) => {
        if (error instanceof LeftForLater) return failed(reasonOf("UNAVAILABLE", error.message));
        throw error;
      });
      if (dropped.done) return;
      const why = dropped.abort.message;
      node.log.warn("a step that may be lost was lost", { gid, transaction: transaction.name, why });
    },
  };
}

/** Ids of the branches that come before one. */
function waitsFor(branch: PlannedBranch, all: readonly PlannedBranch[], order: SettleOrder): readonly string[] {
  if (order === "beside") return [];
  return order === "along" ? branch.after : all.filter(({ after }) => after.includes(branch.id)).map(({ id }) => id);
}
