import type { AdminSweepRequest, SweepReport } from "../../contract/transaction/admin.ts";
import type { Orphans, SweepRequest } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import { askAll } from "./ask-all.ts";

export interface Sweeping {
  readonly coordinator: Coordinator;
  /** Asks one participant to look, or to end what it finds. */
  readonly sweepAt: (participant: string, request: Infer<typeof SweepRequest>) => Promise<Infer<typeof Orphans>>;
}

type How = Pick<Infer<typeof AdminSweepRequest>, "end" | "olderThanMs" | "foreign" | "closed">;

/** Has participants tell what they hold and nobody asks about, or end it: then each act is noted before, and again if it fails. */
export async function sweepAll(
  participants: readonly string[],
  { olderThanMs, foreign = false, closed = false }: How,
  who: { readonly by: string; readonly reason: string } | undefined,
  { coordinator, sweepAt }: Sweeping,
): Promise<Infer<typeof SweepReport>> {
  const found = await askAll(participants, (name) => sweepAt(name, { reportOnly: true, olderThanMs, closed }));
  if (!who) return { participants: sweptIn(found.answers), silent: found.silent };
  const meant = (name: string) => {
    const { gids = [], foreign: others = [] } = found.answers.get(name) ?? {};
    return [...gids, ...(foreign ? others : [])];
  };
  const reached = [...found.answers.keys()];
  for (const gid of new Set(reached.flatMap(meant))) await coordinator.audit({ gid, action: "sweep", ...who });
  const swept = await askAll(reached, (name) => sweepAt(name, { reportOnly: false, olderThanMs, foreign, closed }));
  const noteFailed = (gid: string, reason: string) =>
    coordinator.audit({ gid, action: "sweep failed", by: who.by, reason });
  for (const [name, { failed }] of swept.answers)
    for (const { gid, branch, why } of failed) await noteFailed(gid, `${name} ${branch}: ${why}`);
  for (const { participant, why } of swept.silent)
    for (const gid of meant(participant)) await noteFailed(gid, `${participant}: ${why}`);
  return { participants: sweptIn(swept.answers), silent: [...found.silent, ...swept.silent] };
}

function sweptIn(answers: ReadonlyMap<string, Infer<typeof Orphans>>): Infer<typeof SweepReport>["participants"] {
  return [...answers].map(([participant, swept]) => ({ participant, ...swept }));
}
