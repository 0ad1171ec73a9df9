import type { Problem } from "../core/config.ts";
import type { KernelError } from "../core/errors.ts";
import { formatProblem } from "../core/problems.ts";
import type { Style, Terminal } from "./terminal.ts";

/** Shows problems one a line, place first, and what that means for the command. */
export function showProblems(terminal: Terminal, problems: readonly Problem[], consequence: string): void {
  for (const problem of problems) terminal.err(problemLine(terminal, problem, "red"));
  terminal.err(terminal.styledErr("bold", `${countProblems(problems)}, ${consequence}`));
}

export function showWarnings(terminal: Terminal, warnings: readonly Problem[]): void {
  for (const warning of warnings)
    terminal.err(problemLine(terminal, { ...warning, message: `warning: ${warning.message}` }, "yellow"));
}

/** Shows why the kernel refused or gave up; with the stack where the cause looks like a mistake in a program. */
export function showFailure(terminal: Terminal, error: KernelError, consequence: string): void {
  const { code, subject, problems, cause } = error;
  showProblems(terminal, problems.length > 0 ? problems : [{ code, message: subject, path: [] }], consequence);
  const stack = bugStack(cause);
  if (stack !== undefined) terminal.err(terminal.styledErr("dim", stack));
}

export function countProblems(problems: readonly Problem[]): string {
  return problems.length === 1 ? "1 problem" : `${problems.length} problems`;
}

/** The stack of an error that programs with a mistake throw, not of one that says what a user can put right. */
function bugStack(error: unknown): string | undefined {
  const isBug = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return isBug ? error.stack : undefined;
}

function problemLine(terminal: Terminal, problem: Problem, style: Style): string {
  const line = formatProblem(problem);
  const place = line.slice(0, line.length - problem.message.length);
  return `${terminal.styledErr(style, place)}${problem.message}`;
}
