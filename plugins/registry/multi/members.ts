import type { Instance, Registry } from "@mortise/kernel";

/** What is special about a registry. */
export interface MemberOptions {
  readonly register: boolean;
  readonly discover: boolean;
  readonly zone?: string | undefined;
  readonly preferred: boolean;
  readonly weight?: number | undefined;
}

/** A registry as one of several. */
export interface Member {
  readonly name: string;
  readonly registry: Registry;
  readonly options: MemberOptions;
  /** An instance as it is shown when it was found there; the same object for the same instance. */
  shown(instance: Instance): Instance;
}

const plain: MemberOptions = { register: true, discover: true, preferred: false };

/** The registries in order, preferred ones first. Throws a TypeError for none, or options of one that is not selected. */
export function membersOf(
  others: ReadonlyMap<string, Registry>,
  options: Readonly<Record<string, MemberOptions>>,
): readonly Member[] {
  if (others.size === 0)
    throw new TypeError(
      "registry/multi has no registries to use; select them after it: use: { registry: [multi, etcd, file] }",
    );
  for (const name of Object.keys(options))
    if (!others.has(name))
      throw new TypeError(
        `registry/multi has options for ${name}, which is not selected; there are ${[...others.keys()].join(", ")}`,
      );
  const members = [...others].map(([name, registry]) => {
    const own = options[name] ?? plain;
    return { name, registry, options: own, shown: showing(name, own) };
  });
  return members.sort((a, b) => Number(b.options.preferred) - Number(a.options.preferred));
}

/** Marks instances with the registry they come from where that says anything; cluster/zone-aware reads these tags. */
function showing(name: string, { zone, preferred, weight }: MemberOptions): (instance: Instance) => Instance {
  if (zone === undefined && !preferred && weight === undefined) return (instance) => instance;
  const marks = {
    registry: name,
    ...(preferred && { "registry.preferred": "true" }),
    ...(weight !== undefined && { "registry.weight": `${weight}` }),
  };
  const known = new WeakMap<Instance, Instance>();
  return (instance) => {
    const before = known.get(instance);
    if (before) return before;
    const tags = Object.freeze({ ...instance.tags, ...marks });
    const shown = Object.freeze({ ...instance, tags, zone: instance.zone || (zone ?? "") });
    known.set(instance, shown);
    return shown;
  };
}
