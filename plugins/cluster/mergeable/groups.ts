import type { Instance } from "@mortise/kernel";

/** Instances that answer for the same part. */
export interface InstanceGroup {
  /** What they have in common, for messages. */
  readonly name: string;
  /** Frozen, and the same array for the same candidates, so that balancers keep what they know. */
  readonly members: readonly Instance[];
}

/**
 * Divides candidates into groups by `instance`, `zone`, `version` or a tag (`tag.<name>`), and keeps that as long as the list
 * of candidates lives.
 */
export function grouping(by: string): (candidates: readonly Instance[]) => readonly InstanceGroup[] {
  const known = new WeakMap<readonly Instance[], readonly InstanceGroup[]>();
  const nameOf = naming(by);
  return (candidates) => {
    const before = known.get(candidates);
    if (before) return before;
    const groups = new Map<string, Instance[]>();
    for (const instance of candidates) {
      const name = nameOf(instance);
      const members = groups.get(name);
      if (members) members.push(instance);
      else groups.set(name, [instance]);
    }
    const made = [...groups].map(([name, members]) => ({ name, members: Object.freeze(members) }));
    known.set(candidates, made);
    return made;
  };
}

function naming(by: string): (instance: Instance) => string {
  if (by === "instance") return ({ id }) => id;
  if (by === "zone") return ({ zone }) => zone;
  if (by === "version") return ({ version }) => version;
  const tag = by.slice("tag.".length);
  return ({ tags }) => tags[tag] ?? "";
}
