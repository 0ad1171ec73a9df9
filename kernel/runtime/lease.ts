import type { Invoker } from "../call/call.ts";
import type { Generation } from "../core/plugin.ts";

/** The compiled path of one method, made anew in each generation that calls it. */
export interface LeasedPath {
  /** The path of this generation. Throws what compiling it throws. */
  in(generation: Generation): Invoker;
}

export function leasedPath(compile: () => Invoker): LeasedPath {
  let compiledFor = -1;
  let path: Invoker = () => Promise.reject(new Error("a path is compiled before it is used"));
  return {
    in({ id }) {
      if (id === compiledFor) return path;
      path = compile();
      compiledFor = id;
      return path;
    },
  };
}
