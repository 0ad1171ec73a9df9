import type { Ports } from "../core/ports.ts";
import type { Instance } from "./instance.ts";
import { type TieTree, tieTree } from "./tie-tree.ts";
import { byWeight, type WeightOptions } from "./weights.ts";

/** Lists of candidates that are kept up to date at a time; routers give a method several. */
const listsKept = 16;

/** What a method knows of an instance, and how much of it counts against it. */
export interface Loaded {
  readonly load: number;
}

/** The instances of one method, ordered by load. */
export interface LeastLoad<N extends Loaded> {
  /** One of the candidates of least load: in proportion to weight where there are several. */
  draw(candidates: readonly Instance[]): N;
  /** Reads all loads anew. */
  refresh(): void;
}

interface Place<N extends Loaded> {
  readonly list: List<N>;
  readonly index: number;
}

interface Seat<N extends Loaded> {
  readonly node: N;
  /** Where it stands in the lists that are kept. */
  readonly places: Place<N>[];
}

interface List<N extends Loaded> {
  readonly candidates: readonly Instance[];
  readonly seats: readonly Seat<N>[];
  readonly tree: TieTree;
  kept: boolean;
}

/**
 * Finds the instance of least load. A pick and a change of load cost as many steps as the logarithm of the number of
 * instances, and allocate nothing.
 * @param make what a method knows of an instance; it calls `changed` whenever its load has changed
 */
export function leastLoad<N extends Loaded>(
  options: WeightOptions,
  { clock, random }: Pick<Ports, "clock" | "random">,
  make: (instance: Instance, changed: () => void) => N,
): LeastLoad<N> {
  const seats = new WeakMap<Instance, Seat<N>>();
  const kept: List<N>[] = [];

  function seatOf(instance: Instance): Seat<N> {
    const known = seats.get(instance);
    if (known) return known;
    const places: Place<N>[] = [];
    const node = make(instance, () => {
      for (const { list, index } of places) list.tree.set(index, node.load);
    });
    const seat = { node, places };
    seats.set(instance, seat);
    return seat;
  }

  function keep(list: List<N>): void {
    const older = kept.findIndex(({ candidates }) => candidates === list.candidates);
    if (older >= 0) forget(kept.splice(older, 1));
    for (const [index, { node, places }] of list.seats.entries()) {
      places.push({ list, index });
      list.tree.set(index, node.load);
    }
    list.kept = true;
    kept.push(list);
    if (kept.length > listsKept) forget(kept.splice(0, 1));
  }

  const listOf = byWeight(options, clock, (candidates, weights): List<N> => {
    const list = { candidates, seats: candidates.map(seatOf), tree: tieTree(weights), kept: false };
    keep(list);
    return list;
  });

  return {
    draw(candidates) {
      const list = listOf(candidates);
      if (!list.kept) keep(list);
      return (list.seats[list.tree.draw(random())] as Seat<N>).node;
    },
    refresh() {
      for (const { seats, tree } of kept)
        for (let index = 0; index < seats.length; index++) tree.set(index, (seats[index] as Seat<N>).node.load);
    },
  };
}

function forget<N extends Loaded>(lists: readonly List<N>[]): void {
  for (const list of lists) {
    list.kept = false;
    for (const { places } of list.seats) {
      places.splice(
        places.findIndex((place) => place.list === list),
        1,
      );
    }
  }
}
