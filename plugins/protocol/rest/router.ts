import type { RestSegment } from "@mortise/kernel/contract";
import { HttpError } from "./problem.ts";
import type { RestRoute } from "./route.ts";

/** What is offered at a path: its routes by verb, and the parameters in the path. */
export interface Place {
  readonly routes: ReadonlyMap<string, RestRoute>;
  readonly parameters: readonly Parameter[];
}

export interface Parameter {
  readonly field: readonly string[];
  readonly text: string;
}

/** Finds what is offered at a path; the most literal where several fit. */
export type Router = (path: string) => Place | undefined;

interface Pattern {
  readonly segments: readonly RestSegment[];
  readonly action: string | undefined;
  readonly routes: Map<string, RestRoute>;
}

const none: readonly Parameter[] = Object.freeze([]);

export function routerOf(routes: readonly RestRoute[]): Router {
  const literal = new Map<string, Place & { readonly routes: Map<string, RestRoute> }>();
  const byLength = new Map<number, Pattern[]>();
  for (const route of routes) {
    const { path, segments, action, verb } = route.rule;
    if (segments.some((segment) => "field" in segment)) {
      const patterns = byLength.get(segments.length) ?? [];
      byLength.set(segments.length, patterns);
      const known = patterns.find((one) => sameSegments(one, route.rule));
      if (known) known.routes.set(verb, route);
      else patterns.push({ segments, action, routes: new Map([[verb, route]]) });
    } else {
      const place = literal.get(path) ?? { routes: new Map(), parameters: none };
      place.routes.set(verb, route);
      literal.set(path, place);
    }
  }
  for (const patterns of byLength.values()) patterns.sort(moreLiteral);
  return (path) => literal.get(path) ?? byPattern(path, byLength, literal);
}

function byPattern(
  path: string,
  byLength: ReadonlyMap<number, readonly Pattern[]>,
  literal: ReadonlyMap<string, Place>,
): Place | undefined {
  const parts = path.slice(1).split("/").map(decoded);
  for (const pattern of byLength.get(parts.length) ?? []) {
    const parameters = fitting(pattern, parts);
    if (parameters) return { routes: pattern.routes, parameters };
  }
  return path.includes("%") ? literal.get(`/${parts.join("/")}`) : undefined;
}

function fitting({ segments, action }: Pattern, given: readonly string[]): readonly Parameter[] | undefined {
  const last = given.at(-1) ?? "";
  const end = action === undefined ? "" : `:${action}`;
  if (!last.endsWith(end)) return undefined;
  const parameters: Parameter[] = [];
  for (const [i, segment] of segments.entries()) {
    const part = given[i] ?? "";
    const text = i === given.length - 1 ? part.slice(0, part.length - end.length) : part;
    if ("text" in segment ? segment.text !== text : text === "") return undefined;
    if ("field" in segment) parameters.push({ field: segment.field, text });
  }
  return parameters;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, "INVALID_ARGUMENT", "MALFORMED_PATH", `the path is not written well at "${part}"`);
  }
}

function sameSegments(one: Pattern, other: Pick<Pattern, "segments" | "action">): boolean {
  return one.action === other.action && shapeOf(one.segments) === shapeOf(other.segments);
}

const shapeOf = (segments: readonly RestSegment[]) =>
  segments.map((segment) => ("text" in segment ? segment.text : "{}")).join("/");

/** A pattern with an action before one without, a text before a parameter at the first place where they differ. */
function moreLiteral(one: Pattern, other: Pattern): number {
  if ((one.action === undefined) !== (other.action === undefined)) return one.action === undefined ? 1 : -1;
  const at = one.segments.findIndex((segment, i) => "text" in segment !== "text" in (other.segments[i] ?? segment));
  return at < 0 ? 0 : "text" in (one.segments[at] ?? {}) ? -1 : 1;
}
