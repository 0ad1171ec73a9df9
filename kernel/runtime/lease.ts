import { isDeepStrictEqual } from "node:util";
import type { Invoker } from "../call/call.ts";
import type { Generation } from "../core/plugin.ts";
import type { EffectivePolicy } from "../spi/policies.ts";

/** What a path is made of beside plugins; while it stays the same the path may stay. */
export interface Basis {
  readonly app: string;
  readonly effective: EffectivePolicy;
  /** Whoever handles the calls; compared by identity. */
  readonly handler?: unknown;
}

/** The compiled path of one method, made anew in a generation in which what it is made of has changed. */
export interface LeasedPath {
  /** The path of this generation. Throws what compiling it throws. */
  in(generation: Generation): Invoker;
}

/** SPIs whose plugins a path is not made of: policies and handlers are compared by what they say of the method. */
const beside: ReadonlySet<string> = new Set(["policies", "service", "server"]);

/**
 * A path that is kept across generations as long as no plugin it may be made of has changed and its basis is the same, so that
 * an edit of one policy lets the circuits, limits and balancers of all other methods go on as they are.
 */
export function leasedPath(basisOf: () => Basis, compile: (basis: Basis) => Invoker): LeasedPath {
  let made: { readonly basis: Basis; readonly path: Invoker } | undefined;
  let id = -1;
  return {
    in(generation) {
      if (made && id === generation.id) return made.path;
      const basis = basisOf();
      if (!made || touched(generation, id) || !sameBasis(basis, made.basis)) made = { basis, path: compile(basis) };
      id = generation.id;
      return made.path;
    },
  };
}

/** Whether a plugin that paths are made of has changed after a generation. */
function touched({ changes }: Generation, after: number): boolean {
  for (const [spi, since] of changes) if (since > after && !beside.has(spi)) return true;
  return false;
}

function sameBasis(a: Basis, b: Basis): boolean {
  return a.handler === b.handler && a.app === b.app && isDeepStrictEqual(a.effective, b.effective);
}
