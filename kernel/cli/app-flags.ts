import type { LoadOptions } from "../config/load-config.ts";
import type { World } from "./world.ts";

/** What every command that takes an app file can be told. */
export interface AppFlags {
  readonly profile?: string;
  readonly set?: readonly string[];
}

export function appOptions({ env }: World, { profile, set = [] }: AppFlags): LoadOptions {
  return { ...(profile !== undefined && { profile }), set, env };
}
