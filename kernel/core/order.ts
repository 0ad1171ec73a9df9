/** What a node of a graph waits for. Every id named is a node too. */
export interface Edges {
  /** Must come before it. */
  readonly hard: readonly string[];
  /** Should come before it. */
  readonly soft: readonly string[];
}

export type Graph = ReadonlyMap<string, Edges>;

/** Circles of hard edges, each as a closed path (`[a, b, a]`), one for every knot of nodes that reach each other. */
export function circles(graph: Graph): readonly (readonly string[])[] {
  const hard = (id: string) => graph.get(id)?.hard ?? [];
  return knots(graph.keys(), hard).flatMap((knot) => {
    const [start] = knot;
    if (start === undefined || (knot.length === 1 && !hard(start).includes(start))) return [];
    return [circleThrough(start, new Set(knot), hard)];
  });
}

/**
 * What each node waits for: all its hard edges, and its soft ones except those between two nodes that reach each other (over
 * edges of any sort), where waiting could close a circle.
 */
export function waiting(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const both = (id: string) => [...(graph.get(id)?.hard ?? []), ...(graph.get(id)?.soft ?? [])];
  const knotOf = new Map(knots(graph.keys(), both).flatMap((knot, index) => knot.map((id) => [id, index] as const)));
  return new Map(
    [...graph].map(([id, { hard, soft }]) => {
      const safe = soft.filter((other) => knotOf.get(other) !== knotOf.get(id));
      return [id, [...new Set([...hard, ...safe])]];
    }),
  );
}

/** Sorts nodes so that each comes after all it waits for; ties keep the given order. There must be no circle. */
export function startOrder(waits: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const sorted = new Set<string>();
  const visit = (id: string): void => {
    if (sorted.has(id)) return;
    for (const other of waits.get(id) ?? []) visit(other);
    sorted.add(id);
  };
  for (const id of waits.keys()) visit(id);
  return [...sorted];
}

/** The nodes among `waits` that wait, directly or not, for one of `roots`; the roots among them. */
export function dependents(
  roots: Iterable<string>,
  waits: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const found = new Set(roots);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [id, others] of waits) if (others.some((other) => found.has(other))) found.add(id);
  }
  return found;
}

type Next = (id: string) => readonly string[];

interface Visit {
  readonly index: number;
  low: number;
  open: boolean;
}

/** Sets of nodes that all reach each other (strongly connected components, Tarjan 1972), needs before askers. */
function knots(ids: Iterable<string>, next: Next): string[][] {
  const visits = new Map<string, Visit>();
  const stack: string[] = [];
  const found: string[][] = [];
  const enter = (id: string): Visit => {
    const visit = { index: visits.size, low: visits.size, open: true };
    visits.set(id, visit);
    stack.push(id);
    for (const other of next(id)) {
      const seen = visits.get(other);
      if (!seen) visit.low = Math.min(visit.low, enter(other).low);
      else if (seen.open) visit.low = Math.min(visit.low, seen.index);
    }
    if (visit.low === visit.index) {
      const knot = stack.splice(stack.indexOf(id));
      for (const member of knot) (visits.get(member) as Visit).open = false;
      found.push(knot);
    }
    return visit;
  };
  for (const id of ids) if (!visits.has(id)) enter(id);
  return found;
}

/** The shortest way from a node back to itself within its knot. */
function circleThrough(start: string, knot: ReadonlySet<string>, next: Next): string[] {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const other of next(id)) {
      if (!knot.has(other) || cameFrom.has(other)) continue;
      cameFrom.set(other, id);
      if (other !== start) queue.push(other);
    }
  }
  const path = [start];
  for (let id = cameFrom.get(start); id !== undefined && id !== start; id = cameFrom.get(id)) path.unshift(id);
  return [start, ...path];
}
