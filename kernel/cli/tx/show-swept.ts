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

/** Prints which participants still hold something of what was closed: nobody will end that by itself. */
export function showHeld(terminal: Terminal, { branches, silent }: Infer<typeof TransactionView>, only: string): void {
  const holding = branches.flatMap((branch) => {
    const how = only === "" || branch.id === only ? heldHow(branch) : undefined;
    return how === undefined ? [] : [`${branch.participant} still holds ${branch.id} (${how})`];
  });
  for (const line of holding) terminal.err(terminal.styledErr("yellow", line));
  if (holding.length > 0)
    terminal.err("the sweep leaves that alone; mortise tx sweep --end --closed ends it as it was decided");
  for (const { participant, why } of silent)
    terminal.err(terminal.styledErr("yellow", `${participant} does not say whether it holds anything: ${why}`));
}

function heldHow({ fence, prepared }: Infer<typeof BranchView>): string | undefined {
  if (prepared.length > 0) return "prepared, with its locks";
  const begun = fence.find(({ slot }) => slot === "R")?.kind;
  if (begun === "intent") return "perhaps done outside";
  return begun === "reserve" && fence.every(({ slot }) => slot !== "F") ? "set aside" : undefined;
}
