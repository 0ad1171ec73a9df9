/** A plugin of a chain: its name and the order it declares (`activate.order`), 0 without one. */
export interface Link {
  readonly name: string;
  readonly order: number;
}

/** What a list says beside the plugins it names. */
export interface ChainList {
  /** How many of the listed plugins stand before the word `default`; nothing if the word is missing. */
  readonly defaultAt: number | undefined;
  readonly withoutDefault: boolean;
}

/**
 * Puts a chain in order: `listed` are the plugins the configuration names, `active` those that join by themselves.
 *
 * As in Dubbo (ExtensionLoader.getActivateExtension): with the word `default` in the list, the list's own order counts and the
 * active ones stand where the word stands, among themselves by order, then name. Without it the active ones join all the
 * same and everything is sorted by order. Unlike Dubbo, ties keep the order of the list, and a list with `-default` keeps its
 * order, for then it is the whole chain.
 */
export function chainOrder<L extends Link>(list: ChainList, listed: readonly L[], active: readonly L[]): readonly L[] {
  if (list.withoutDefault) return listed;
  const joining = [...active].sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  if (list.defaultAt !== undefined) return listed.toSpliced(list.defaultAt, 0, ...joining);
  return [...listed, ...joining].sort((a, b) => a.order - b.order);
}
