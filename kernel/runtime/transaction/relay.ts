import { backgroundOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { adopt } from "./acknowledging.ts";
import { roundMs } from "./backoff.ts";
import { inBranchSpan, keptTrace } from "./branch-span.ts";
import { decodeKept } from "./kept.ts";
import { isSentAgain, sendingId } from "./message-ids.ts";
import type { TransactionNode } from "./node.ts";
import { firstKept, type OutboxEntry, type OutboxOrigin, putOff, putOffUnsent, removeDone, takeDue } from "./outbox.ts";
import type { Participant } from "./participant.ts";
import { requestFor } from "./requests.ts";

export interface RelaySetup {
  readonly node: TransactionNode;
  readonly scheduleOf: (transaction: string) => readonly number[];
  /** Everything an outbox had of a transaction is done. */
  readonly complete: (gid: string, origin: OutboxOrigin, results: DriveReply["results"]) => Promise<void>;
}

/** So many are taken, and under way, at once. */
const batch = 200;

type Unsent = { readonly entry: OutboxEntry; readonly error: string };

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
  await tell(node, [...due.filter(({ attempts }) => attempts > 1), ...unsent.map(({ entry }) => entry)]);
  if (unsent.length === 0) return due.length === batch;
  // They were not sent, so their next attempt is the same one again, under the same id.
  const [{ error } = { error: "" }] = unsent;
  node.log.warn("the bus did not take branches of transactions", { count: unsent.length, error });
  const inMs = roundMs(0, node.options, node.ports.random);
  await putOffUnsent(
    sql,
    unsent.map(({ entry }) => entry),
    { inMs, error },
  );
  return false;
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
    return { entry, error: asStatusError(error).message };
  }
}

/** Calls the participant itself, as often as the schedule says. */
async function notify(
  entry: OutboxEntry,
  request: () => DriveRequest,
  host: Participant,
  setup: RelaySetup,
): Promise<undefined> {
  const { node, scheduleOf, complete } = setup;
  const { gid, branch, plan, attempts } = entry;
  const { sql } = host.performer.database;
  let failure: string;
  try {
    await node.at("N2");
    const reply = await inSpan(entry, "apply", node, (within) => node.ask(plan.participant, request(), within));
    await node.at("N3");
    if (reply.outcome === "done") {
      const { removed, left } = await removeDone(sql, gid, branch);
      if (removed && left === 0) await complete(gid, entry, reply.results);
      return;
    }
    failure = reply.refusal?.reason ?? reply.note;
  } catch (error) {
    failure = asStatusError(error).message;
  }
  const waits = scheduleOf(entry.transaction);
  const inMs = waits[attempts - 1] ?? "never";
  if (inMs === "never")
    node.log.error("a notice was given up", { gid, branch, participant: plan.participant, attempts, failure });
  await putOff(sql, entry, { inMs, error: failure });
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
