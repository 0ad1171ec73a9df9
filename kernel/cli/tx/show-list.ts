import type { OpenCounts, TransactionList, TransactionSummary } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { type Giving, table } from "../table.ts";
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
  const shown = table(head, transactions.map(rowOf), terminal.width, listGiving);
  terminal.out(terminal.styled("dim", shown.head));
  for (const [index, lines] of shown.rows.entries()) {
    const { stuck, paused } = transactions[index] ?? {};
    const style = stuck ? "red" : paused ? "yellow" : undefined;
    for (const line of lines) terminal.out(style ? terminal.styled(style, line) : line);
  }
  if (more) terminal.err(terminal.styledErr("dim", "there are more: --limit lets more through"));
}

/** WHY below, ROUNDS, STRATEGY, and a name below if nothing else helps. */
const listGiving: readonly Giving[] = [
  { column: 6, goes: "below" },
  { column: 5, goes: "out" },
  { column: 2, goes: "out" },
  { column: 1, goes: "below" },
];

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
  const shown = table(head, rows, terminal.width, [{ column: 6, goes: "below" }]);
  terminal.out(terminal.styled("dim", shown.head));
  for (const [index, lines] of shown.rows.entries())
    for (const line of lines) terminal.out(counts[index]?.stuck ? terminal.styled("red", line) : line);
}

/** The status with what else is to be known about it. */
export function standing({ status, stuck, paused, endedAt }: Summary): string {
  if (endedAt !== 0n) return status;
  return [status, ...(stuck ? ["stuck"] : []), ...(paused ? ["paused"] : [])].join(", ");
}

function rowOf(summary: Summary): string[] {
  const { gid, name, strategy, ageMs, attempts, abortReason, lastError, heuristic, keptBy } = summary;
  const where = keptBy === "" ? "" : `in the outbox of ${keptBy}`;
  const why = [where, abortReason, heuristic, summary.endedAt === 0n ? lastError : ""].filter(Boolean).join("; ");
  return [
    ...[gid, name || "(not begun)", strategy, standing(summary), duration(ageMs)],
    ...[attempts === 0 ? "" : String(attempts), why.replace(/\s+/g, " ")],
  ];
}
