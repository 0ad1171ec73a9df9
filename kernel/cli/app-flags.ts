import type { AppOptions } from "../config/app.ts";
import type { World } from "./world.ts";

/** What every command that takes an app file can be told. */
export interface AppFlags {
  readonly profile?: string;
  readonly set?: readonly string[];
}

export function appOptions({ env }: World, { profile, set = [] }: AppFlags): AppOptions {
  return { ...(profile !== undefined && { profile }), set, env };
}
