import type { ConfigPath, CoreConfig, Location, Problem } from "./config.ts";
import type { KernelErrorCode } from "./errors.ts";

/** Collects what is wrong with one configuration, each problem with its place. */
export interface ProblemList {
  readonly problems: readonly Problem[];
  add(code: KernelErrorCode, message: string, path: ConfigPath): void;
}

export function problemList(locate: CoreConfig["locate"]): ProblemList {
  const problems: Problem[] = [];
  return {
    problems,
    add: (code, message, path) => problems.push({ code, message, path, location: locationOf(locate, path) }),
  };
}

/** Where a path was written, or else the nearest thing around it. */
export function locationOf(locate: CoreConfig["locate"], path: ConfigPath): Location | undefined {
  for (let length = path.length; locate && length > 0; length--) {
    const location = locate(path.slice(0, length));
    if (location) return location;
  }
  return undefined;
}

/** `apps/shop/shop.yaml:7:17`; of a file as a whole only its name. */
export function formatLocation({ file, line, column }: Location): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}

/** One problem on one line: place, or else path, then message. */
export function formatProblem({ location, path, message }: Problem): string {
  const place = location ? formatLocation(location) : path.join(".");
  return place ? `${place}  ${message}` : message;
}

/** All problems, one a line. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join("\n");
}
