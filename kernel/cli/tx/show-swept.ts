import type { BranchView, SweepReport, Swept, TransactionView } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { columns } from "../table.ts";
import type { Terminal } from "../terminal.ts";

/** Prints what participants hold, a line for each of them and one for each transaction. */
export function showSwept(
  terminal: Terminal,
  { participants }: Infer<typeof SweepReport>,
  { end, olderThan }: { readonly end: boolean; readonly olderThan: string },
): void {
  const rows = participants.flatMap((one) => {
    const { participant, gids, foreign, failed, closed, more = false } = one;
    const ofTransactions = [
      ...failed.map(({ gid, branch, why }) => `${gid} ${branch}: ${why}`),
      ...gids.filter((gid) => failed.every((other) => other.gid !== gid)),
      ...closed.map((gid) => `${gid} closed by hand: left alone`),
      ...(foreign.length > 0 ? [`(${foreign.length} of another coordinator)`] : []),
      ...(more ? ["(and younger ones, which are looked at once some of these are gone)"] : []),
    ];
    const held = more || gids.length + closed.length + foreign.length > 0;
    return [
      [participant, held ? summaryOf(one, end) : `nothing older than ${olderThan} is left`],
      ...ofTransactions.map((line) => ["", line]),
    ];
  });
  for (const line of columns(rows)) terminal.out(line.trimEnd());
}

function summaryOf({ gids, ended, failed, closed }: Infer<typeof Swept>, end: boolean): string {
  return [
    `${gids.length} left behind`,
    ...(end ? [`${ended} ended`] : []),
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ...(closed.length > 0 ? [`${closed.length} closed by hand`] : []),
  ].join(", ");
}

/** Prints which participants still hold something of what was closed, and what of it nobody has done: neither ends by itself. */
export function showHeld(terminal: Terminal, view: Infer<typeof TransactionView>, only: string): void {
  const { summary, branches, silent } = view;
  const closed = branches.filter(({ id }) => only === "" || id === only);
  const holding = closed.flatMap((branch) => {
    const how = heldHow(branch);
    return how === undefined ? [] : [`${branch.participant} still holds ${branch.id} (${how})`];
  });
  for (const line of holding) terminal.err(terminal.styledErr("yellow", line));
  if (holding.length > 0)
    terminal.err("the sweep leaves that alone; `mortise tx sweep --end --closed --reason …` ends it as it was decided");
  const mute = new Set(silent.map(({ participant }) => participant));
  const commits = summary?.status === "committed" || summary?.status === "committing";
  for (const branch of closed) {
    if (!commits || mute.has(branch.participant) || isDone(branch) || heldHow(branch) !== undefined) continue;
    const what = [branch.id, branch.steps.join(", ")].filter(Boolean).join(" ");
    terminal.err(terminal.styledErr("yellow", `${branch.participant} has not done ${what}, and nobody will`));
  }
  for (const { participant, why } of silent)
    terminal.err(terminal.styledErr("yellow", `${participant} does not say whether it holds anything: ${why}`));
}

function isDone({ fence }: Infer<typeof BranchView>): boolean {
  return fence.some(({ kind }) => kind === "apply" || kind === "confirm");
}

function heldHow({ fence, prepared }: Infer<typeof BranchView>): string | undefined {
  if (prepared.length > 0) return "prepared, with its locks";
  const begun = fence.find(({ slot }) => slot === "R")?.kind;
  if (begun === "intent") return "perhaps done outside";
  return begun === "reserve" && fence.every(({ slot }) => slot !== "F") ? "set aside" : undefined;
}
