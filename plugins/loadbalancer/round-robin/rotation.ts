/** The items of one weight, which take turns among themselves. */
interface Class {
  readonly weight: number;
  /** Indexes into the items, in order. */
  readonly members: readonly number[];
  /** Whose turn it is. */
  next: number;
  /** The running value of that member; those before it have `total` less. */
  current: number;
}

/**
 * Smooth weighted round robin over items of fixed weights: at every turn each item's running value grows by its
 * weight, the first with the largest value is taken, and its value drops by the sum of all weights (nginx's rule).
 *
 * Items of equal weight move together, and one that was taken falls behind its equals by exactly that sum; so they form
 * a queue, and only the heads of the queues are compared. A turn costs as many steps as there are different weights.
 * @param from index of the item that counts as the first one
 */
export function rotation<T>(items: readonly T[], weights: ArrayLike<number>, from = 0): () => T {
  const classes = classify(items.length, weights, from);
  const total = classes.reduce((sum, { weight, members }) => sum + weight * members.length, 0);
  const rank = (index: number) => (index - from + items.length) % items.length;

  return () => {
    let best = classes[0] as Class;
    best.current += best.weight;
    for (let i = 1; i < classes.length; i++) {
      const other = classes[i] as Class;
      other.current += other.weight;
      if (other.current < best.current) continue;
      if (other.current > best.current || rank(head(other)) < rank(head(best))) best = other;
    }
    return items[take(best, total)] as T;
  };
}

function head({ members, next }: Class): number {
  return members[next] as number;
}

/** Moves on to the next member; after the last one all have fallen behind by `total`. */
function take(from: Class, total: number): number {
  const taken = head(from);
  from.next++;
  if (from.next === from.members.length) {
    from.next = 0;
    from.current -= total;
  }
  return taken;
}

/** Groups items by weight. Those of weight 0 stand aside, unless there are no others: then all are equal. */
function classify(count: number, weights: ArrayLike<number>, from: number): readonly Class[] {
  const byWeight = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const index = (from + i) % count;
    const weight = weights[index] as number;
    const members = byWeight.get(weight);
    if (members) members.push(index);
    else byWeight.set(weight, [index]);
  }
  if (byWeight.size > 1) byWeight.delete(0);
  return [...byWeight].map(([weight, members]) => ({ weight, members, next: 0, current: 0 }));
}
