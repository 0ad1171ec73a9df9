import type { ConfigPath, Location, Problem } from "../core/config.ts";
import type { ConfigCode } from "./codes.ts";

/** Where the findings of one reading are gathered. */
export type Report = (code: ConfigCode, message: string, location: Location, path?: ConfigPath) => void;

/** Gathers problems in `into`. */
export function reportInto(into: Problem[]): Report {
  return (code, message, location, path = []) => into.push({ code, message, location, path });
}

/** In order of place, file by file; those without a place come last. */
export function byPlace(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ location }) => location?.file))];
  const rank = ({ location }: Problem) => (location ? files.indexOf(location.file) : files.length);
  return problems.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.location?.line ?? 0) - (b.location?.line ?? 0) ||
      (a.location?.column ?? 0) - (b.location?.column ?? 0),
  );
}
