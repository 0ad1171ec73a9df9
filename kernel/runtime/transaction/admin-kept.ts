import type { OutboxQuery, OutboxTransaction, OutboxTransactions } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { Summary } from "./admin-view.ts";
import { askAll, type Silent } from "./ask-all.ts";
import { needsPerson, type Patience } from "./outbox-patience.ts";

/** A transaction that an outbox keeps and the coordinator has not heard of, and when its first branch was done. */
type Kept = Infer<typeof OutboxTransaction>;
type Query = Pick<Infer<typeof OutboxQuery>, "gid" | "name" | "strategy" | "olderThanMs">;

export interface Keeping {
  readonly coordinator: Coordinator;
  /** Participants whose outboxes may keep some, each once; an empty name or strategy does not narrow. */
  readonly keepers: (name: string, strategy: string) => readonly string[];
  /** Asks one participant what its outbox keeps. */
  readonly outboxOf: (
    participant: string,
    query: Infer<typeof OutboxQuery>,
  ) => Promise<Infer<typeof OutboxTransactions>>;
  readonly options: Patience;
  /** The wall clock here, in milliseconds. */
  readonly now: number;
}

export interface KeptInOutboxes {
  /** The oldest first. */
  readonly summaries: readonly Summary[];
  readonly silent: readonly Silent[];
}

export const nothingKept: KeptInOutboxes = { summaries: [], silent: [] };

/** Answers of one participant, 500 transactions each, that are gone through at most. */
const mostPages = 40;

/**
 * Open transactions that only an outbox keeps: what its first participant has committed is the decision, and the process
 * that begins it tells the coordinator afterwards, which may be late. Outboxes are asked before the coordinator, so that one
 * that it hears of meanwhile is found there by whoever asks next.
 *
 * @param most of each participant
 */
export async function keptInOutboxes(query: Query, most: number, keeping: Keeping): Promise<KeptInOutboxes> {
  const { answers, silent } = await askAll(keeping.keepers(query.name, query.strategy), (participant) =>
    keptBy(participant, query, most, keeping),
  );
  const found = new Map<string, Summary>(); // participants may share a database, and then both tell of it
  for (const [participant, kept] of answers)
    for (const one of kept) if (!found.has(one.gid)) found.set(one.gid, summaryOf(one, participant, keeping.options));
  return { summaries: [...found.values()].sort(byAge), silent };
}

async function keptBy(participant: string, query: Query, most: number, keeping: Keeping): Promise<Kept[]> {
  const { coordinator, outboxOf } = keeping;
  const kept: Kept[] = [];
  let after = "";
  for (let page = 0; page < mostPages && kept.length < most; page++) {
    const { transactions, next } = await outboxOf(participant, { ...query, after, limit: 0 });
    const gids = transactions.map(({ gid }) => gid);
    const records = gids.length === 0 ? [] : await coordinator.find({ gids, limit: gids.length });
    const known = new Set(records.map(({ gid }) => gid));
    kept.push(...transactions.filter(({ gid }) => !known.has(gid)));
    after = next;
    if (after === "") break;
  }
  return kept;
}

/** The oldest come first, as the coordinator lists them. */
export function byAge(one: Summary, other: Summary): number {
  return Number(one.createdAt - other.createdAt) || (one.gid < other.gid ? -1 : 1);
}

function summaryOf(
  { givenUp, scheduled, paused = false, ageMs, ...kept }: Kept,
  keptBy: string,
  patience: Patience,
): Summary {
  const { gid, name, version, strategy, createdAt, nextAt, attempts, lastError, trace } = kept;
  return {
    ...{ gid, name, version, strategy, status: "committing", attempts, lastError, trace, keptBy },
    ...{ createdAt, decidedAt: createdAt, endedAt: 0n, deadlineAt: 0n, nextAt, leaseUntil: 0n, owner: "" },
    stuck: needsPerson({ givenUp, scheduled, paused, attempts, ageMs }, patience),
    ...{ paused, heuristic: "", abortReason: "", abortMessage: "", abortStep: "" },
    ageMs,
  };
}
