import type { Difference, Reconciliation } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { columns } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { moment } from "./time.ts";

/** Prints where participants have something else than was decided. */
export function showDifferences(terminal: Terminal, { differences, compared }: Infer<typeof Reconciliation>): void {
  if (differences.length === 0) {
    terminal.out(`nothing differs in ${compared} transactions`);
    return;
  }
  const head = ["ID", "NAME", "STATUS", "DECIDED", "BRANCH", "PARTICIPANT", "STEPS", "IS", "KNOWN"];
  const [first = "", ...lines] = columns([head, ...differences.map(rowOf)]).map((line) => line.trimEnd());
  terminal.out(terminal.styled("dim", first));
  for (const [index, line] of lines.entries())
    terminal.out(differences[index]?.heuristic ? line : terminal.styled("red", line));
  terminal.out(`${differences.length} branches differ in ${compared} transactions`);
}

function rowOf({ gid, name, status, decidedAt, branch, participant, steps, what, fence, heuristic }: Row): string[] {
  const is = fence.length > 0 ? `${what} (${fence.join(", ")})` : what;
  return [gid, name, status, moment(decidedAt), branch, participant, steps.join(", "), is, heuristic];
}

type Row = Infer<typeof Difference>;
