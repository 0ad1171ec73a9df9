import type { Difference, ReconcileRequest, Reconciliation } from "../../contract/transaction/admin.ts";
import type { Fences } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Coordinator, TransactionRecord, TransactionStatus } from "../../spi/coordinator.ts";
import { beforeAll, checkGid } from "../../spi/transaction-record.ts";
import { askAll } from "./ask-all.ts";
import { differencesIn } from "./reconcile.ts";
import { invalid } from "./refusals.ts";

export interface Reconciling {
  readonly coordinator: Coordinator;
  /** Asks one participant what it has of transactions. */
  readonly fencesOf: (participant: string, gids: readonly string[]) => Promise<Infer<typeof Fences>>;
}

const usualLimit = 200;
const mostAtOnce = 1_000;
const decided: readonly TransactionStatus[] = ["committing", "committed", "aborting", "aborted"];
/**
 * Compares one batch of what the coordinator has decided with what participants have. Records are read before fences: what
 * they say is done was there before. Throws INVALID_ARGUMENT for a request nobody can mean.
 */
export async function reconcile(
  { name, participant, newerThanMs, after, limit }: Infer<typeof ReconcileRequest>,
  { coordinator, fencesOf }: Reconciling,
): Promise<Infer<typeof Reconciliation>> {
  if (limit < 0 || limit > mostAtOnce) throw invalid(`the limit is ${limit}; from 1 to ${mostAtOnce}, or 0`);
  if (newerThanMs < 0n) throw invalid(`the age is ${newerThanMs} ms; at least 0`);
  if (after !== "") checkGid(after);
  const size = limit || usualLimit;
  const records = await coordinator.find({
    ...(name !== "" && { name }),
    ...(newerThanMs > 0n && { newerThanMs: Number(newerThanMs) }),
    ...{ status: decided, after: after || beforeAll, limit: size },
  });
  const gidsAt = new Map<string, string[]>();
  for (const { gid, branches } of records)
    for (const one of new Set(branches.map((branch) => branch.participant)))
      if (participant === "" || participant === one) gidsAt.set(one, [...(gidsAt.get(one) ?? []), gid]);
  const { answers, silent } = await askAll([...gidsAt.keys()], (one) => fencesOf(one, gidsAt.get(one) ?? []));
  return {
    differences: records.flatMap((record) => told(record, answers)),
    compared: records.length,
    next: records.length === size ? (records.at(-1)?.gid ?? "") : "",
    silent,
  };
}

function told(
  record: TransactionRecord,
  known: ReadonlyMap<string, Infer<typeof Fences>>,
): readonly Infer<typeof Difference>[] {
  const { gid, name, strategy, status, heuristic, decidedAt = 0 } = record;
  return differencesIn(record, known).map(({ branch, what, fence }) => ({
    ...{ gid, name, strategy, status, heuristic, what },
    branch: branch.id,
    participant: branch.participant,
    steps: branch.steps.map(({ step }) => step),
    fence: [...fence],
    decidedAt: BigInt(Math.round(decidedAt)),
  }));
}
