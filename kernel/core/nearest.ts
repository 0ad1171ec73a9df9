/**
 * How many single-character edits lead from one text to the other: insert, delete, replace, swap two neighbours
 * (optimal string alignment). Upper and lower case count as the same.
 */
export function editDistance(from: string, to: string): number {
  const a = from.toLowerCase();
  const b = to.toLowerCase();
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, at(before, column - 2) + 1);
      current.push(least);
    }
    before = above;
    above = current;
  }
  return at(above, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}

/** The candidate people most likely meant, or nothing if none is near: at most a third of the letters, and two at least, may differ. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3));
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance > least || distance >= Math.max(name.length, candidate.length)) continue;
    if (distance === least && best !== undefined) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

const mostListed = 12;

/** The end of a message about an unknown name: ` Did you mean p2c? (least-active, p2c, random)`. Empty without candidates. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const sorted = [...new Set(candidates)].sort();
  if (sorted.length === 0) return "";
  const meant = nearest(name, sorted);
  const listed = sorted.slice(0, mostListed).join(", ");
  const list = sorted.length > mostListed ? `${listed}, and ${sorted.length - mostListed} more` : listed;
  return meant === undefined ? ` Known: ${list}.` : ` Did you mean ${meant}? (${list})`;
}
