import type { Instance } from "@mortise/kernel";

/** Instances of one registry or zone. */
export interface Place {
  /** The name of the registry, if its instances are marked with it, or of the zone. */
  readonly name: string;
  /** Frozen. */
  readonly members: readonly Instance[];
  readonly weight: number;
}

/** Candidates by how near they are to a call from one zone. */
export interface Nearness {
  /** Of registries that are preferred. */
  readonly preferred: readonly Instance[];
  /** Of the zone of the call. */
  readonly near: readonly Instance[];
  /** All of them, by place. */
  readonly places: readonly Place[];
}

const usualWeight = 100;

/** What registry/multi marks instances with. */
const marks = { registry: "registry", preferred: "registry.preferred", weight: "registry.weight" } as const;

/** @param weights by the name of a registry or zone; what is not there has the weight of its registry, or 100 */
export function nearness(
  candidates: readonly Instance[],
  zone: string,
  weights: Readonly<Record<string, number>>,
): Nearness {
  const filtered = (keep: (instance: Instance) => boolean) => {
    const left = candidates.filter(keep);
    return left.length === candidates.length ? candidates : Object.freeze(left);
  };
  return {
    preferred: filtered(({ tags }) => tags[marks.preferred] === "true"),
    near: zone === "" ? [] : filtered((instance) => instance.zone === zone),
    places: placesOf(candidates, weights),
  };
}

function placesOf(candidates: readonly Instance[], weights: Readonly<Record<string, number>>): readonly Place[] {
  const byName = new Map<string, Instance[]>();
  for (const instance of candidates) {
    const name = instance.tags[marks.registry] ?? instance.zone;
    const members = byName.get(name);
    if (members) members.push(instance);
    else byName.set(name, [instance]);
  }
  if (byName.size === 1) return [...byName].map(([name]) => ({ name, members: candidates, weight: usualWeight }));
  return [...byName].map(([name, members]) => {
    const marked = Number(members[0]?.tags[marks.weight] ?? usualWeight);
    const weight = weights[name] ?? (Number.isFinite(marked) && marked >= 0 ? marked : usualWeight);
    return { name, members: Object.freeze(members), weight };
  });
}
