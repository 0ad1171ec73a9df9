import type { OpenCounts, TransactionList, TransactionSummary } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { columns } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { duration } from "./time.ts";

type Summary = Infer<typeof TransactionSummary>;

/** Prints transactions as a table; those that need a person stand out. */
export function showList(terminal: Terminal, { transactions, more }: Infer<typeof TransactionList>): void {
  if (transactions.length === 0) {
    terminal.out("no transactions");
    return;
  }
  const head = ["ID", "NAME", "STRATEGY", "STATUS", "AGE", "ROUNDS", "WHY"];
  const [first = "", ...lines] = columns([head, ...transactions.map(rowOf)]).map((line) => line.trimEnd());
  terminal.out(terminal.styled("dim", first));
  for (const [index, line] of lines.entries()) {
    const { stuck, paused } = transactions[index] ?? {};
    terminal.out(stuck ? terminal.styled("red", line) : paused ? terminal.styled("yellow", line) : line);
  }
  if (more) terminal.err(terminal.styledErr("dim", "there are more: --limit lets more through"));
}

/** Prints how many are on their way. */
export function showCounts(terminal: Terminal, { counts }: Infer<typeof OpenCounts>): void {
  if (counts.length === 0) {
    terminal.out("nothing is on its way");
    return;
  }
  const elsewhere = counts.some(({ keptBy }) => keptBy !== "");
  const head = ["NAME", "STRATEGY", "STATUS", "COUNT", "STUCK", "OLDEST", ...(elsewhere ? ["KEPT BY"] : [])];
  const rows = counts.map(({ name, strategy, status, count, stuck, oldestMs, keptBy }) => [
    ...[name, strategy, status, String(count), String(stuck), duration(oldestMs)],
    ...(elsewhere ? [keptBy === "" ? "the coordinator" : `the outbox of ${keptBy}`] : []),
  ]);
  const [first = "", ...lines] = columns([head, ...rows]);
  terminal.out(terminal.styled("dim", first));
  for (const [index, row] of lines.entries()) {
    const line = row.trimEnd();
    terminal.out(counts[index]?.stuck ? terminal.styled("red", line) : line);
  }
}

/** The status with what else is to be known about it. */
export function standing({ status, stuck, paused }: Summary): string {
  return [status, ...(stuck ? ["stuck"] : []), ...(paused ? ["paused"] : [])].join(", ");
}

function rowOf(summary: Summary): string[] {
  const { gid, name, strategy, ageMs, attempts, abortReason, lastError, heuristic, keptBy } = summary;
  const where = keptBy === "" ? "" : `in the outbox of ${keptBy}`;
  const why = [where, abortReason, heuristic, summary.endedAt === 0n ? lastError : ""].filter(Boolean).join("; ");
  return [
    ...[gid, name || "(not begun)", strategy, standing(summary), duration(ageMs)],
    ...[attempts === 0 ? "" : String(attempts), shortened(why)],
  ];
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
