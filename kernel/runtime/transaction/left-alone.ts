import type { Log } from "../../core/plugin.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import { hasEnded } from "../../spi/transaction-record.ts";
import type { Orphan } from "./orphans.ts";
import type { Participant } from "./participant.ts";

/** Why a person wants nothing done about a branch, asked right before it is; nothing where nobody does. */
export async function leftAlone(
  coordinator: Coordinator,
  orphan: Orphan,
  reopened: boolean,
): Promise<"closed" | "paused" | undefined> {
  if (!reopened && (await isClosed(coordinator, orphan))) return "closed";
  const record = await coordinator.get(orphan.gid);
  return record?.paused && !hasEnded(record.status) ? "paused" : undefined;
}

/**
 * Whether a person has closed it: whoever did that has settled it by other means, so that doing it now would do it twice. The acts
 * of people outlive the record.
 */
export async function isClosed(coordinator: Coordinator, { gid, branch }: Orphan): Promise<boolean> {
  const acts = await coordinator.audits(gid);
  const noted = (action: string) =>
    acts.findLast((act) => act.action === action || act.action === `${action} failed`)?.action === action;
  if (!noted("close") && !noted(`close ${branch}`)) return false;
  const record = await coordinator.get(gid); // an act is noted before it is done, and may not have been
  return !record?.name || hasEnded(record.status) || record.done.includes(branch);
}

export async function closedAmong(coordinator: Coordinator, orphans: readonly Orphan[]): Promise<ReadonlySet<Orphan>> {
  const closed = new Set<Orphan>();
  for (const orphan of orphans) if (await isClosed(coordinator, orphan)) closed.add(orphan);
  return closed;
}

/** Says once per transaction that nobody will end it. */
export function tellClosed(
  { log, told }: { readonly log: Log; readonly told: Set<string> },
  { performer }: Participant,
  { gid }: Orphan,
): void {
  const participant = performer.operations.name;
  if (told.has(`${participant} ${gid}`)) return;
  told.add(`${participant} ${gid}`);
  log.warn("a transaction was closed by hand: what is held of it is left alone", { gid, participant });
}
