import { backgroundOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { TransactionRecord } from "../../spi/coordinator.ts";
import type { Database } from "../../spi/store.ts";
import { adopt, adopted } from "./adopting.ts";
import { acknowledgeMs, roundMs } from "./backoff.ts";
import { inBranchSpan, keptTrace } from "./branch-span.ts";
import { decodeKept } from "./kept.ts";
import { isSentAgain, sendingId } from "./message-ids.ts";
import type { TransactionNode } from "./node.ts";
import {
  firstKept,
  type OutboxEntry,
  type OutboxOrigin,
  type PutBack,
  putOff,
  putOffUnsent,
  removeDone,
  takeDue,
} from "./outbox.ts";
import type { Participant } from "./participant.ts";
import { requestFor } from "./requests.ts";

export interface RelaySetup {
  readonly node: TransactionNode;
  readonly scheduleOf: (transaction: string) => readonly number[];
  /** Everything an outbox had of a transaction is done. */
  readonly complete: (
    gid: string,
    origin: OutboxOrigin,
    results: DriveReply["results"],
    known?: TransactionRecord,
  ) => Promise<void>;
}

/** So many are taken, and under way, at once. */
const batch = 200;

/** It stays as it was before it was taken up, and is taken up again in a while. */
interface Unsent extends PutBack {
  readonly entry: OutboxEntry;
  /** Whoever was to be told has done it. */
  readonly isDone: boolean;
}

/** Hands on what is due in the outbox of one participant's database. Tells whether there may be more to hand on at once. */
export async function relayDue(host: Participant, setup: RelaySetup): Promise<boolean> {
  const { node } = setup;
  const { sql } = host.performer.database;
  const { redeliverMs, maxRedeliverMs } = node.options;
  const names = [...node.initiated.keys()];
  const due = await takeDue(sql, { names, limit: batch, againMs: redeliverMs, maxAgainMs: maxRedeliverMs });
  if (due.length === 0) return false;
  const kept = await firstKept(sql, due);
  const results = await Promise.all(
    due.map(async (entry): Promise<Unsent | undefined> => {
      const transaction = node.initiated.get(entry.transaction);
      if (!transaction) return undefined;
      const request = () => requestOf(entry, transaction, kept.get(entry.gid) ?? null);
      return entry.kind === "message" ? publish(entry, request, setup) : notify(entry, request, host, setup);
    }),
  );
  const unsent = results.filter((one) => one !== undefined);
  const untaken = unsent.filter(({ isDone }) => !isDone);
  await tell(node, [...due.filter(({ attempts }) => attempts > 1), ...untaken.map(asBefore)]);
  if (unsent.length === 0) return due.length === batch;
  warn(node, "the bus did not take branches of transactions", untaken);
  warn(
    node,
    "notices are done, and that could not be kept; they are told again",
    unsent.filter(({ isDone }) => isDone),
  );
  // Nothing has failed where it was to be done, so their next attempt is the same one again; of a message under the same id.
  await putOffUnsent(sql, unsent);
  return false;
}

/** As its row is put back: this attempt does not count. */
function asBefore({ entry, error: lastError }: Unsent): OutboxEntry {
  return { ...entry, lastError, attempts: entry.attempts - 1 };
}

function warn({ log }: TransactionNode, what: string, unsent: readonly Unsent[]): void {
  const [first] = unsent;
  if (first) log.warn(what, { count: unsent.length, error: first.error });
}

/**
 * What takes long has a record, where people see it and can act: whoever began it may have died before it had one, or not
 * have reached the coordinator. Never rejects.
 */
async function tell(node: TransactionNode, entries: readonly OutboxEntry[]): Promise<void> {
  const late = new Map(entries.map((entry) => [entry.gid, entry]));
  if (late.size === 0) return;
  try {
    const gids = [...late.keys()];
    const records = await node.coordinator().find({ gids, limit: gids.length });
    for (const { gid } of records) late.delete(gid);
    await Promise.all(Array.from(late, ([gid, entry]) => adopt(node, gid, entry)));
  } catch (error) {
    const facts = { count: late.size, error };
    node.log.warn("the coordinator could not be told of transactions in an outbox; it is told later", facts);
  }
}

function requestOf(entry: OutboxEntry, transaction: AnyTransaction, kept: Uint8Array | null): DriveRequest {
  const { gid, strategy, input, plan } = entry;
  const outputs = new Map(decodeKept(kept).results.map(({ step, output }) => [step, output]));
  return requestFor({ gid, strategy, transaction, input, outputs }, plan, "apply");
}

async function publish(
  entry: OutboxEntry,
  request: () => DriveRequest,
  { node }: RelaySetup,
): Promise<Unsent | undefined> {
  const { gid, branch, plan, attempts } = entry;
  const id = sendingId(gid, branch, attempts - 1);
  if (isSentAgain(id) && !node.resends.take(plan.participant)) return undefined; // its time comes again
  try {
    await node.at("O2");
    await inSpan(entry, "publish", node, (within) => node.publishBranch(request(), id, plan.participant, within));
    await node.at("O3");
    return undefined;
  } catch (error) {
    const inMs = roundMs(0, node.options, node.ports.random);
    return { entry, gid, branch, inMs, error: asStatusError(error).message, isDone: false };
  }
}

/** Calls the participant itself, as often as the schedule says. */
async function notify(
  entry: OutboxEntry,
  request: () => DriveRequest,
  host: Participant,
  setup: RelaySetup,
): Promise<Unsent | undefined> {
  const { node, scheduleOf } = setup;
  const { gid, branch, plan, attempts } = entry;
  const { sql } = host.performer.database;
  let failure: string;
  try {
    await node.at("N2");
    const reply = await inSpan(entry, "apply", node, (within) => node.ask(plan.participant, request(), within));
    await node.at("N3");
    if (reply.outcome === "done") return takeAway(entry, reply.results, sql, setup);
    failure = reply.refusal?.reason ?? reply.note;
  } catch (error) {
    failure = asStatusError(error).message;
  }
  const waits = scheduleOf(entry.transaction);
  const inMs = waits[attempts - 1] ?? "never";
  const givenUp = await putOff(sql, entry, { inMs, error: failure });
  if (givenUp)
    node.log.error("a notice was given up", { gid, branch, participant: plan.participant, attempts, failure });
  return undefined;
}

/** Takes a notice away that is done. Where that cannot be now it stays, and is done again: its receiver knows it. */
async function takeAway(
  entry: OutboxEntry,
  results: DriveReply["results"],
  sql: Database["sql"],
  { node, complete }: RelaySetup,
): Promise<Unsent | undefined> {
  const { gid, branch, attempts } = entry;
  try {
    const known = await adopted(node, gid, () => entry);
    const { removed, left } = await removeDone(sql, gid, branch);
    if (!removed || left > 0) return undefined;
    await node.at("N5");
    await complete(gid, entry, results, known);
    return undefined;
  } catch (error) {
    const inMs = acknowledgeMs(attempts - 1, node.options, node.ports.random);
    return { entry, gid, branch, inMs, error: asStatusError(error).message, isDone: true };
  }
}

/** In the trace the outbox keeps, whoever hands it on. */
function inSpan<T>(
  { gid, strategy, transaction, branch, plan, trace: kept }: OutboxEntry,
  phase: string,
  { tracer, ports, options }: TransactionNode,
  work: (within: Context) => Promise<T>,
): Promise<T> {
  const { participant, steps } = plan;
  const about = { phase, gid, strategy, transaction, branch, participant, steps };
  return inBranchSpan(tracer(), about, keptTrace(kept, transaction), (trace) =>
    work(backgroundOf(ports).with({ timeoutMs: options.driveTimeoutMs, ...(trace && { trace }) })),
  );
}
