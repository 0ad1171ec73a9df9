import type { Fences } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { PlannedBranch, TransactionRecord } from "../../spi/coordinator.ts";
import { parsePrepared } from "./prepared.ts";

/**
 * How a branch differs from its transaction.
 * - `missing`: it was to be done, and its participant knows nothing of it.
 * - `unfinished`: it was to be done, and is only set aside.
 * - `taken back`: it was to be done, and was refused or taken back.
 * - `done`: it was to be taken back, and its effects are there.
 */
export type DifferenceKind = "missing" | "unfinished" | "taken back" | "done";

export interface BranchDifference {
  readonly branch: PlannedBranch;
  readonly what: DifferenceKind;
  readonly fence: readonly string[];
}

type Known = Infer<typeof Fences>;

/**
 * Compares what was decided with what participants have; those that did not answer are passed over. What is still to come
 * or waits prepared is no difference, nor what may be lost. Pure.
 */
export function differencesIn(
  record: TransactionRecord,
  known: ReadonlyMap<string, Known>,
): readonly BranchDifference[] {
  return record.branches.flatMap((branch) => {
    const answer = known.get(branch.participant);
    if (!answer) return [];
    const own = (one: { readonly gid: string; readonly branch: string } | undefined) =>
      one?.gid === record.gid && one.branch === branch.id;
    if (answer.prepared.some((name) => own(parsePrepared(name)))) return [];
    const fence = answer.rows.filter(own).map(({ kind }) => kind);
    const what = differenceOf(record, branch, new Set(fence));
    return what === undefined ? [] : [{ branch, what, fence }];
  });
}

function differenceOf(
  { status, done }: TransactionRecord,
  { id, droppable }: PlannedBranch,
  fence: ReadonlySet<string>,
): DifferenceKind | undefined {
  const settled = status === "committed" || status === "aborted" || done.includes(id);
  const effects = fence.has("apply") || fence.has("reserve") || fence.has("intent");
  if (status === "committing" || status === "committed") {
    if (droppable) return undefined;
    if (fence.has("cancel") || fence.has("tombstone")) return "taken back";
    if (fence.has("apply") || fence.has("confirm") || !settled) return undefined;
    if (fence.has("rejected")) return "taken back";
    return effects ? "unfinished" : "missing";
  }
  if (status === "active") return undefined;
  if (fence.has("confirm")) return "done";
  return settled && effects && !fence.has("cancel") ? "done" : undefined;
}
