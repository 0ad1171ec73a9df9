import type { Instance, LoadBalancer, Picked, Picker, Ports } from "@mortise/kernel";
import { byWeight, type WeightOptions } from "@mortise/kernel/spi/weights";
import { type TieTree, tieTree } from "./tie-tree.ts";

/** Lists of candidates that are kept up to date at a time; routers give a method several. */
const listsKept = 16;

/** An instance as a method sees it. Also the object that picks of it return. */
interface Node extends Picked {
  active: number;
  /** Where it stands in the lists that are kept. */
  readonly places: { readonly list: List; readonly index: number }[];
}

interface List {
  readonly candidates: readonly Instance[];
  readonly nodes: readonly Node[];
  readonly tree: TieTree;
  kept: boolean;
}

type BalancerPorts = Pick<Ports, "clock" | "random">;

/**
 * Picks one of the instances with the fewest calls of the method under way here, in proportion to weight where there are
 * several (Dubbo's `leastactive`).
 */
export function leastActiveBalancer(options: WeightOptions, ports: BalancerPorts): LoadBalancer {
  return { picker: () => leastActivePicker(options, ports) };
}

function leastActivePicker(options: WeightOptions, { clock, random }: BalancerPorts): Picker {
  const nodes = new WeakMap<Instance, Node>();
  const kept: List[] = [];

  function nodeOf(instance: Instance): Node {
    const known = nodes.get(instance);
    if (known) return known;
    const node: Node = { instance, active: 0, places: [], done: () => count(node, -1) };
    nodes.set(instance, node);
    return node;
  }

  function keep(list: List): void {
    const older = kept.findIndex(({ candidates }) => candidates === list.candidates);
    if (older >= 0) forget(kept.splice(older, 1));
    for (const [index, node] of list.nodes.entries()) {
      node.places.push({ list, index });
      list.tree.set(index, node.active);
    }
    list.kept = true;
    kept.push(list);
    if (kept.length > listsKept) forget(kept.splice(0, 1));
  }

  const listOf = byWeight(options, clock, (candidates, weights): List => {
    const list = { candidates, nodes: candidates.map(nodeOf), tree: tieTree(weights), kept: false };
    keep(list);
    return list;
  });

  return {
    pick(candidates) {
      const list = listOf(candidates);
      if (!list.kept) keep(list);
      const node = list.nodes[list.tree.draw(random())] as Node;
      count(node, 1);
      return node;
    },
  };
}

function count(node: Node, by: number): void {
  node.active += by;
  for (const { list, index } of node.places) list.tree.set(index, node.active);
}

function forget(lists: readonly List[]): void {
  for (const list of lists) {
    list.kept = false;
    for (const { places } of list.nodes) {
      places.splice(
        places.findIndex((place) => place.list === list),
        1,
      );
    }
  }
}
