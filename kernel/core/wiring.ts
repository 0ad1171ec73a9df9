import { KernelError } from "./errors.ts";
import type { LiveHandle } from "./needs.ts";
import type { Step } from "./plan.ts";
import type { ResolvedNeed } from "./resolve-needs.ts";

/** Gives the api of a step. Throws a KernelError NOT_RUNNING if that does not run. */
export type Lookup = (step: string) => unknown;

/** What a plugin was handed for its needs, and the way to turn its live handles to something else. */
export interface Wiring {
  readonly deps: Readonly<Record<string, unknown>>;
  /** Turns every live handle to what the step's needs are now. */
  link(step: Step, lookup: Lookup): void;
  /** What `deps` will be after such a link, without doing it. */
  preview(step: Step, lookup: Lookup): Readonly<Record<string, unknown>>;
}

/** Looks up what a step needs. Until its first `link` a live handle looks anew at every read. */
export function wire(step: Step, lookup: Lookup): Wiring {
  const cells = new Map<string, Cell>();
  const deps: Record<string, unknown> = {};
  for (const [local, need] of Object.entries(step.needs)) {
    if (need.shape.live) {
      const cell = liveCell(() => provided(need, step, lookup));
      cells.set(local, cell);
      deps[local] = derived(need, cell.handle);
    } else deps[local] = derived(need, provided(need, step, lookup));
  }
  const liveNeeds = (next: Step) => Object.entries(next.needs).filter(([, { shape }]) => shape.live);
  return {
    deps: Object.freeze(deps),
    link(next, find) {
      for (const [local, need] of liveNeeds(next)) cells.get(local)?.point(() => provided(need, next, find));
    },
    preview(next, find) {
      const changed = liveNeeds(next).map(([local, need]) => {
        const cell = liveCell(() => provided(need, next, find), cells.get(local)?.last());
        return [local, derived(need, cell.handle)];
      });
      return Object.freeze({ ...deps, ...Object.fromEntries(changed) });
    },
  };
}

function provided({ shape, providers }: ResolvedNeed, { id }: Step, lookup: Lookup): unknown {
  if (shape.wants === "every") return new Map(providers.map(({ alias, step }) => [alias, lookup(step)]));
  const [provider] = providers;
  if (provider) return lookup(provider.step);
  if (shape.wants === "optional") return undefined;
  throw new KernelError("NOT_RUNNING", `${id} needs ${shape.spi.id}, of which nothing runs.`);
}

function derived({ shape }: ResolvedNeed, value: unknown): unknown {
  return shape.derive ? shape.derive(value as never) : value;
}

interface Cell {
  readonly handle: LiveHandle<unknown>;
  point(read: () => unknown): void;
  last(): unknown;
}

const unset = Symbol("unset");

/** The value behind a live handle: computed once per `point`, and the same object as before where the content is the same. */
function liveCell(first: () => unknown, before: unknown = unset): Cell {
  let read = first;
  let value: unknown = unset;
  return {
    handle: {
      get current() {
        return value === unset ? same(before, read()) : value;
      },
    },
    point(next) {
      read = next;
      try {
        value = same(value, next());
      } catch {
        value = unset; // the reader gets the error
      }
    },
    last: () => value,
  };
}

function same(before: unknown, now: unknown): unknown {
  if (!(before instanceof Map && now instanceof Map) || before.size !== now.size) return now;
  const old = [...before];
  const equal = [...now].every(([alias, api], index) => old[index]?.[0] === alias && old[index]?.[1] === api);
  return equal ? before : now;
}
