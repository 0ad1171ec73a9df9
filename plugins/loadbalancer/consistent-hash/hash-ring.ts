import type { Instance } from "@mortise/kernel";
import { finish, hashStart, hashText } from "./hash.ts";

/** A circle of 2^32 points, some of which belong to a member. */
export interface HashRing {
  /** Index of the member at the first point that is not before `hash`, going round. */
  at(hash: number): number;
}

/**
 * A ring on which each member has as many points as `counts` says. They follow from its address alone, so a member that
 * comes takes its keys from all others, and one that goes leaves those of the others where they are.
 */
export function hashRing(members: readonly Instance[], counts: readonly number[]): HashRing {
  const size = counts.reduce((sum, count) => sum + count, 0);
  const points = new Float64Array(size); // the point times the number of members, plus the rank: sorts by point
  const ranked = [...members.keys()].sort((a, b) => compare(members[a]?.address, members[b]?.address));
  let next = 0;
  for (const [rank, member] of ranked.entries()) {
    const address = members[member]?.address ?? "";
    for (let i = 0; i < (counts[member] as number); i++) points[next++] = pointOf(address, i) * members.length + rank;
  }
  points.sort();
  const owners = Uint32Array.from(points, (point) => ranked[point % members.length] as number);
  const places = Float64Array.from(points, (point) => Math.floor(point / members.length));
  return {
    at(hash) {
      let low = 0;
      let high = size;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((places[middle] as number) < hash) low = middle + 1;
        else high = middle;
      }
      return owners[low === size ? 0 : low] as number;
    },
  };
}

/** Members rank by address, so that two that share a point are told apart the same way everywhere. */
function compare(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pointOf(address: string, number: number): number {
  return finish(hashText(hashText(hashStart, address), `#${number}`));
}
