import type { Difference, Reconciliation } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { type Giving, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { counted } from "./counted.ts";
import { moment } from "./time.ts";

/** Prints where participants have something else than was decided, and whether all of them told. */
export function showDifferences(terminal: Terminal, reconciliation: Infer<typeof Reconciliation>): void {
  const { differences, compared, silent } = reconciliation;
  const among = `in ${counted(compared, "transaction")}`;
  const untold = silent.length === 0 ? "" : `; ${listed(silent)} did not tell, and was not compared`;
  if (differences.length === 0) {
    terminal.out(`nothing differs ${among}${untold}`);
    return;
  }
  const head = ["ID", "NAME", "STATUS", "DECIDED", "BRANCH", "PARTICIPANT", "STEPS", "IS", "KNOWN"];
  const shown = table(head, differences.map(rowOf), terminal.width, giving);
  terminal.out(terminal.styled("dim", shown.head));
  for (const [index, lines] of shown.rows.entries())
    for (const line of lines) terminal.out(differences[index]?.heuristic ? line : terminal.styled("red", line));
  const verb = differences.length === 1 ? "differs" : "differ";
  terminal.out(`${counted(differences.length, "branch", "branches")} ${verb} ${among}${untold}`);
}

/** KNOWN below, STEPS, DECIDED and STATUS, PARTICIPANT below, NAME. */
const giving: readonly Giving[] = [
  { column: 8, goes: "below" },
  { column: 6, goes: "out" },
  { column: 3, goes: "out" },
  { column: 2, goes: "out" },
  { column: 5, goes: "below" },
  { column: 1, goes: "out" },
];

function listed(silent: Infer<typeof Reconciliation>["silent"]): string {
  return silent.map(({ participant }) => participant).join(", ");
}

function rowOf({ gid, name, status, decidedAt, branch, participant, steps, what, fence, heuristic }: Row): string[] {
  const is = fence.length > 0 ? `${what} (${fence.join(", ")})` : what;
  return [gid, name, status, moment(decidedAt), branch, participant, steps.join(", "), is, heuristic];
}

type Row = Infer<typeof Difference>;
