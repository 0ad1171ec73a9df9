import type { BranchView, TransactionEvent, TransactionView } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { columns, fitted, type Giving } from "../table.ts";
import type { Style, Terminal } from "../terminal.ts";
import { counted } from "./counted.ts";
import { standing } from "./show-list.ts";
import { duration, moment } from "./time.ts";

type View = Infer<typeof TransactionView>;
type Branch = Infer<typeof BranchView>;
type Event = Infer<typeof TransactionEvent>;

/** Prints everything about one transaction: how it stands, its branches, and what happened when. */
export function showView(terminal: Terminal, gid: string, view: View): void {
  const { summary, branches, events, silent } = view;
  const name = summary?.name || "a transaction that was not begun";
  const stands = summary ? standing(summary) : "has no record; this is what participants know";
  terminal.out(`${terminal.styled("bold", name)} ${gid}  ${terminal.styled(styleOf(view), stands)}`);
  for (const line of columns(factsOf(view).map(([what, value]) => [`  ${what}`, value]))) terminal.out(line);
  terminal.out("");
  const open = summary?.endedAt === 0n;
  const rows = branches.map((branch) => branchRow(branch, open));
  for (const line of fitted(rows, terminal.width, branchGiving).flat()) terminal.out(line);
  terminal.out("");
  for (const line of eventLines(terminal, events)) terminal.out(line);
  for (const { participant, why } of silent)
    terminal.err(terminal.styledErr("yellow", `${participant} does not say what it knows: ${why}`));
}

function styleOf({ summary }: View): Style {
  if (!summary) return "yellow";
  if (summary.endedAt === 0n && summary.paused) return "yellow";
  if (summary.endedAt === 0n && summary.stuck) return "red";
  return summary.status === "committed" ? "green" : "cyan";
}

function factsOf({ summary }: View): [what: string, value: string][] {
  if (!summary) return [];
  const { strategy, version, deadlineAt, leaseUntil, owner, attempts, lastError, heuristic, trace } = summary;
  const { abortReason, abortStep, abortMessage, createdAt, endedAt, ageMs, keptBy } = summary;
  const open = endedAt === 0n;
  const abort = [abortReason, abortStep && `at ${abortStep}`, abortMessage].filter(Boolean).join(", ");
  const facts: [string, string, boolean][] = [
    ["strategy", `${strategy}, version ${version}`, strategy !== ""],
    ["kept", `in the outbox of ${keptBy}; the coordinator has not heard of it`, keptBy !== ""],
    ["begun", `${moment(createdAt)}, ${open ? `${duration(ageMs)} ago` : `took ${duration(ageMs)}`}`, true],
    ["deadline", moment(deadlineAt), open && deadlineAt !== 0n && summary.decidedAt === 0n],
    ["aborted", abort, abort !== ""],
    ["rounds", String(attempts), attempts > 0],
    ["last error", lastError, open && lastError !== ""],
    ["worked on", `by ${owner}, believed until ${moment(leaseUntil)}`, open && owner !== ""],
    ["next try", nextTry(summary), open && (summary.paused || owner === "")],
    ["by hand", heuristic, heuristic !== ""],
    ["trace", trace.slice(3, 35), trace !== ""],
  ];
  return facts.flatMap(([what, value, shown]) => (shown ? [[what, value]] : []));
}

function nextTry({ paused, nextAt }: NonNullable<View["summary"]>): string {
  if (paused) return "once it is resumed";
  return nextAt === 0n ? "once it is retried" : moment(nextAt);
}

/** What is known below, and then where it stands in the order. */
const branchGiving: readonly Giving[] = [
  { column: 4, goes: "below" },
  { column: 3, goes: "below" },
];

/** @param open not ended: of what has ended all is done */
function branchRow(branch: Branch, open: boolean): string[] {
  const { id, participant, steps, fence, prepared, outbox, done } = branch;
  const known = [
    ...fence.map(({ kind }) => kind),
    ...(prepared.length > 0 ? ["prepared, waits for the decision"] : []),
    ...(outbox ? [outboxText(outbox)] : []),
    ...(done && open ? ["done"] : []),
  ];
  const order = [
    ...(branch.pivot ? ["pivot"] : []),
    ...(branch.external ? ["external"] : []),
    ...(branch.afterCommit ? ["after the commit"] : []),
    ...(branch.droppable ? ["may be lost"] : []),
    ...(branch.after.length > 0 ? [`after ${branch.after.join(", ")}`] : []),
  ];
  return [`  ${id}`, participant, steps.join(", "), order.join(", "), known.join(", ") || "nothing yet"];
}

function outboxText({ state, attempts, lastError, nextAt }: NonNullable<Branch["outbox"]>): string {
  const why = lastError === "" ? "" : `: ${lastError}`;
  const tried = counted(attempts, "attempt");
  if (state === "exhausted") return `given up after ${tried}${why}`;
  if (state === "paused") return `in the outbox, ${tried}, paused${why}`;
  return `in the outbox, ${tried}, next ${moment(nextAt)}${why}`;
}

/** What happened, each with the time since the first, and the moment where there is room. */
function eventLines(terminal: Terminal, events: readonly Event[]): string[] {
  const [first] = events;
  if (!first) return [];
  const rows = events.map(({ at, what, branch, participant, by, note }) => [
    `  ${moment(at)}`,
    `+${duration(at - first.at)}`,
    [branch, what === "audit" ? by : what].filter(Boolean).join(" "),
    [participant, note].filter(Boolean).join("  "),
  ]);
  return fitted(rows, terminal.width, [{ column: 0, goes: "out" }]).flatMap((lines, index) => {
    const style = styles[events[index]?.what ?? ""];
    return lines.map((line) => (style ? terminal.styled(style, line) : line));
  });
}

const styles: Readonly<Record<string, Style>> = {
  decide: "bold",
  audit: "magenta",
  rejected: "yellow",
  tombstone: "dim",
};
