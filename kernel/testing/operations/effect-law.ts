import { isDeepStrictEqual } from "node:util";
import type { Stage, Tried } from "./stage.ts";
import { ask, must } from "./verdict.ts";

/** Whether confirming an input changes what reserving it left. */
export async function confirmChanges(stage: Stage, one: Tried): Promise<boolean> {
  if ((await ask(stage, one, "reserve")).outcome !== "done") return false;
  const reserved = await stage.observe();
  await must(stage, one, "confirm");
  return !isDeepStrictEqual(await stage.observe(), reserved);
}
