/** The loads of the members of a list, 0 at first. */
export interface TieTree {
  /** Sets the load of a member. */
  set(index: number, load: number): void;
  /** A member of least load; `at` in [0, 1) says which one in proportion to weight. Members of weight 0 only if all are. */
  draw(at: number): number;
}

/**
 * A binary tree over the members: every node knows the least load below it and the sum of the weights of those that have
 * it. Changing a load and drawing cost as many steps as the tree is high, and allocate nothing.
 */
export function tieTree(weights: ArrayLike<number>): TieTree {
  const size = weights.length;
  const leaves = 2 ** Math.ceil(Math.log2(Math.max(1, size)));
  const least = new Float64Array(2 * leaves).fill(Number.POSITIVE_INFINITY);
  const weight = new Float64Array(2 * leaves);
  const weightless = allZero(weights);

  function takesPart(index: number): boolean {
    return weightless || (weights[index] as number) > 0;
  }

  function join(node: number): void {
    const left = 2 * node;
    const right = left + 1;
    const a = least[left] as number;
    const b = least[right] as number;
    least[node] = Math.min(a, b);
    weight[node] = (a <= b ? (weight[left] as number) : 0) + (b <= a ? (weight[right] as number) : 0);
  }

  for (let index = 0; index < size; index++) {
    if (!takesPart(index)) continue;
    least[leaves + index] = 0;
    weight[leaves + index] = weightless ? 1 : (weights[index] as number);
  }
  for (let node = leaves - 1; node > 0; node--) join(node);

  return {
    set(index, load) {
      if (!takesPart(index)) return;
      let node = leaves + index;
      least[node] = load;
      for (node >>= 1; node > 0; node >>= 1) join(node);
    },
    draw(at) {
      let node = 1;
      let left = at * (weight[1] as number);
      while (node < leaves) {
        node *= 2;
        const a = least[node] as number;
        const b = least[node + 1] as number;
        const first = weight[node] as number;
        if (a > b) node++;
        else if (a === b && left >= first) {
          left -= first;
          node++;
        }
      }
      return Math.min(node - leaves, size - 1);
    },
  };
}

function allZero(weights: ArrayLike<number>): boolean {
  for (let i = 0; i < weights.length; i++) if ((weights[i] as number) > 0) return false;
  return true;
}
