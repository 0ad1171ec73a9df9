/** What PostgreSQL's words at its start mean for us. */
export type StartProblem = "port-taken" | "data-locked" | "leftover-memory" | "other";

/** PostgreSQL says this once it serves (postmaster.c), in English because we set `LC_ALL=C`. */
export function isReady(line: string): boolean {
  return line.includes("database system is ready to accept connections");
}

/** Why a server that ended before it was ready did so. */
export function startProblem(words: readonly string[]): StartProblem {
  const text = words.join("\n");
  if (/could not bind .*in use|Is another postmaster already running on port/.test(text)) return "port-taken";
  if (/lock file "postmaster\.pid" already exists/.test(text)) return "data-locked";
  if (/pre-existing shared memory block/.test(text)) return "leftover-memory";
  return "other";
}

/** Whether a line tells of something an operator should see although clients get their own errors. */
export function isAlarming(line: string): boolean {
  return /^PANIC:|was terminated by signal|crash of another server process|could not write|No space left/.test(line);
}

/** Whether the same start may succeed a little later: another server is about to end, or its memory to be freed. */
export function mayPass(problem: StartProblem): boolean {
  return problem === "data-locked" || problem === "leftover-memory";
}
