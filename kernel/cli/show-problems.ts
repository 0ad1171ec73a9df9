import type { Problem } from "../core/config.ts";
import { formatProblem } from "../core/problems.ts";
import type { Style, Terminal } from "./terminal.ts";

/** Shows problems one a line, place first, and what that means for the command. */
export function showProblems(terminal: Terminal, problems: readonly Problem[], consequence: string): void {
  for (const problem of problems) terminal.err(problemLine(terminal, problem, "red"));
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  terminal.err(terminal.styledErr("bold", `${count}, ${consequence}`));
}

export function showWarnings(terminal: Terminal, warnings: readonly Problem[]): void {
  for (const warning of warnings) terminal.err(`${problemLine(terminal, warning, "yellow")}`);
}

function problemLine(terminal: Terminal, problem: Problem, style: Style): string {
  const line = formatProblem(problem);
  const place = line.slice(0, line.length - problem.message.length);
  return `${terminal.styledErr(style, place)}${problem.message}`;
}
