import type { Stage, Tried } from "./stage.ts";
import { ask, same } from "./verdict.ts";

/** Fails where an operation says no and changes something. Gives the reasons it said no for. */
export async function refusals(stage: Stage, one: Tried): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const action of ["reserve", "apply"] as const) {
    await stage.fork(async (inner) => {
      const before = await inner.observe();
      const { outcome, refusal } = await ask(inner, one, action);
      if (outcome !== "rejected") return;
      const reason = refusal?.reason ?? "";
      same(await inner.observe(), before, `${stage.called(one, action)} says ${reason} and changes something`);
      seen.push(reason);
    });
  }
  return seen;
}
