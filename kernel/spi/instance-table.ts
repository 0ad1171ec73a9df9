import type { Instance } from "./instance.ts";
import type { Snapshot } from "./registry.ts";

/** All instances a registry knows, by service, and who wants to hear of changes. */
export interface InstanceTable {
  /** Replaces what is known of a service; tells its watchers if that changes anything. */
  set(service: string, instances: Iterable<Instance>): void;
  snapshot(service: string): Snapshot;
  /** Names of the services that have instances, sorted. */
  services(): readonly string[];
  /** Calls `listener` at once and after every change. Returns how to end that. */
  watch(service: string, listener: (snapshot: Snapshot) => void): () => void;
  /** How many watches are open. */
  readonly watches: number;
}

const nobody: Snapshot = Object.freeze([]);

/** @param failed receives what a listener throws, so that the others hear of the change all the same */
export function instanceTable(failed: (error: unknown) => void): InstanceTable {
  const snapshots = new Map<string, Snapshot>();
  const listeners = new Map<string, Set<(snapshot: Snapshot) => void>>();
  let watches = 0;

  function tell(listener: (snapshot: Snapshot) => void, snapshot: Snapshot): void {
    try {
      listener(snapshot);
    } catch (error) {
      failed(error);
    }
  }

  return {
    set(service, instances) {
      const previous = snapshots.get(service) ?? nobody;
      const next = carryOver(previous, instances);
      if (next === previous) return;
      if (next.length > 0) snapshots.set(service, next);
      else snapshots.delete(service);
      for (const listener of [...(listeners.get(service) ?? [])]) tell(listener, next);
    },
    snapshot: (service) => snapshots.get(service) ?? nobody,
    services: () => [...snapshots.keys()].sort(),
    watch(service, given) {
      const listener = (snapshot: Snapshot) => given(snapshot); // the same function may watch twice
      const all = listeners.get(service) ?? new Set();
      listeners.set(service, all.add(listener));
      watches++;
      tell(listener, snapshots.get(service) ?? nobody);
      return () => {
        if (!all.delete(listener)) return;
        watches--;
        if (all.size === 0 && listeners.get(service) === all) listeners.delete(service);
      };
    },
    get watches() {
      return watches;
    },
  };
}

/** `next` as a snapshot that keeps the objects of unchanged instances; `previous` itself when nothing changed. */
export function carryOver(previous: Snapshot, next: Iterable<Instance>): Snapshot {
  const known = new Map(previous.map((instance) => [instance.id, instance]));
  let changed = false;
  const kept = Array.from(next, (instance) => {
    const before = known.get(instance.id);
    if (before && sameInstance(before, instance)) return before;
    changed = true;
    return Object.freeze(instance);
  });
  return changed || kept.length !== previous.length ? Object.freeze(kept) : previous;
}

/** Whether two instances are equal in every field. */
export function sameInstance(a: Instance, b: Instance): boolean {
  return (
    a === b ||
    (a.id === b.id &&
      a.service === b.service &&
      a.address === b.address &&
      a.protocol === b.protocol &&
      a.weight === b.weight &&
      a.zone === b.zone &&
      a.version === b.version &&
      a.startedAt === b.startedAt &&
      a.serializers.join() === b.serializers.join() &&
      sameTags(a.tags, b.tags))
  );
}

function sameTags(a: Instance["tags"], b: Instance["tags"]): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
