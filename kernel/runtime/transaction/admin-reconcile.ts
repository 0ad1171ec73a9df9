import type { Difference, ReconcileRequest, Reconciliation } from "../../contract/transaction/admin.ts";
import type { Fences } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Coordinator, TransactionFilter, TransactionRecord, TransactionStatus } from "../../spi/coordinator.ts";
import { beforeAll, checkGid } from "../../spi/transaction-record.ts";
import { noParticipant } from "./admin-known.ts";
import { askAll } from "./ask-all.ts";
import { differencesIn } from "./reconcile.ts";
import { invalid } from "./refusals.ts";

export interface Reconciling {
  readonly coordinator: Coordinator;
  /** How long fences keep what ended, in milliseconds; undefined: for ever. */
  readonly retentionMs: number | undefined;
  /** Participants of all transactions that are begun here. */
  readonly knownParticipants: () => readonly string[];
  /** Rejects where no transaction has this name. */
  readonly checkName: (name: string) => Promise<void>;
  /** Asks one participant what it has of transactions. */
  readonly fencesOf: (participant: string, gids: readonly string[]) => Promise<Infer<typeof Fences>>;
}

const usualLimit = 200;
const mostAtOnce = 1_000;
const decided: readonly TransactionStatus[] = ["committing", "committed", "aborting", "aborted"];

type Request = Infer<typeof ReconcileRequest>;

/**
 * Compares one batch of what the coordinator has decided with what participants have. Records are read before fences: what
 * they say is done was there before. What ended so long ago that fences may have forgotten it is not compared. Throws INVALID_ARGUMENT for a request nobody can mean, as for a name nobody has.
 */
export async function reconcile(request: Request, reconciling: Reconciling): Promise<Infer<typeof Reconciliation>> {
  const { participant, after, limit, passOver } = request;
  const { coordinator, fencesOf } = reconciling;
  checkRequest(request);
  const size = limit || usualLimit;
  const records = await coordinator.find({ ...filterOf(request), after: after || beforeAll, limit: size });
  const compared = records.filter(hasBranchAt(participant));
  if (compared.length === 0 && after === "") await checkKnown(request, reconciling);
  const gidsAt = new Map<string, string[]>();
  for (const { gid, branches } of compared)
    for (const one of new Set(branches.map((branch) => branch.participant)))
      if ((participant === "" || participant === one) && !passOver.includes(one))
        gidsAt.set(one, [...(gidsAt.get(one) ?? []), gid]);
  const { answers, silent } = await askAll([...gidsAt.keys()], (one) => fencesOf(one, gidsAt.get(one) ?? []));
  const known = await knownToFences(compared, reconciling);
  return {
    differences: known.flatMap((record) => told(record, answers)),
    compared: known.length,
    next: records.length === size ? (records.at(-1)?.gid ?? "") : "",
    silent,
  };
}

/** Asked after the fences were: what they have to know now they had to know then. */
async function knownToFences(
  records: readonly TransactionRecord[],
  { coordinator, retentionMs }: Reconciling,
): Promise<readonly TransactionRecord[]> {
  if (retentionMs === undefined || records.length === 0) return records;
  const gids = records.map(({ gid }) => gid);
  const known = new Set(await coordinator.notLongEnded(gids, retentionMs));
  return records.filter(({ gid }) => known.has(gid));
}

function checkRequest({ newerThanMs, after, limit }: Request): void {
  if (limit < 0 || limit > mostAtOnce) throw invalid(`the limit is ${limit}; from 1 to ${mostAtOnce}, or 0`);
  if (newerThanMs < 0n) throw invalid(`the age is ${newerThanMs} ms; at least 0`);
  if (after !== "") checkGid(after);
}

function filterOf({ name, newerThanMs }: Request): TransactionFilter {
  return {
    ...(name !== "" && { name }),
    ...(newerThanMs > 0n && { newerThanMs: Number(newerThanMs) }),
    status: decided,
  };
}

/** Of a transaction, whether it has a branch of a participant; empty: any. */
function hasBranchAt(participant: string): (record: TransactionRecord) => boolean {
  return ({ branches }) => participant === "" || branches.some((branch) => branch.participant === participant);
}

/** For whoever found nothing in the first batch: rejects for a name or a participant that nobody has. */
async function checkKnown(request: Request, { coordinator, knownParticipants, checkName }: Reconciling): Promise<void> {
  const { name, participant } = request;
  if (name !== "") await checkName(name);
  const known = new Set(knownParticipants());
  let after = beforeAll;
  while (participant !== "" && !known.has(participant)) {
    const records = await coordinator.find({ ...filterOf(request), after, limit: mostAtOnce });
    for (const { branches } of records) for (const branch of branches) known.add(branch.participant);
    if (records.length < mostAtOnce && !known.has(participant)) throw noParticipant(participant, known);
    after = records.at(-1)?.gid ?? after;
  }
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
