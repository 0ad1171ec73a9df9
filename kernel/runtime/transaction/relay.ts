import { backgroundOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { decodeTrace } from "../../call/trace.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { read } from "./fence.ts";
import { decodeKept } from "./kept.ts";
import { inTransaction } from "./local-branch.ts";
import type { TransactionNode } from "./node.ts";
import { type OutboxEntry, type OutboxOrigin, putOff, removeDone, takeDue } from "./outbox.ts";
import type { Participant } from "./participant.ts";
import { requestFor } from "./requests.ts";

export interface RelaySetup {
  readonly node: TransactionNode;
  readonly scheduleOf: (transaction: string) => readonly number[];
  /** Everything an outbox had of a transaction is done. */
  readonly complete: (gid: string, origin: OutboxOrigin, results: DriveReply["results"]) => Promise<void>;
}

const batch = 200;

/** Hands on what is due in the outbox of one participant's database. Tells whether there may be more. */
export async function relayDue(host: Participant, setup: RelaySetup): Promise<boolean> {
  const { node } = setup;
  const { sql } = host.performer.database;
  const names = [...node.initiated.keys()];
  const { maxBackoffMs } = node.options;
  const due = await takeDue(sql, { names, limit: batch, againMs: 1_000, maxAgainMs: maxBackoffMs });
  await Promise.all(
    due.map(async (entry) => {
      const transaction = node.initiated.get(entry.transaction);
      if (transaction) await (entry.kind === "message" ? publish : notify)(entry, transaction, host, setup);
    }),
  );
  return due.length === batch;
}

async function requestOf(entry: OutboxEntry, transaction: AnyTransaction, host: Participant) {
  const { gid, strategy, input, plan, firstBranch } = entry;
  const row = await inTransaction(host.performer.database, (tx) => read(tx.sql, gid, firstBranch, "R"));
  const outputs = new Map(decodeKept(row?.kept ?? null).results.map(({ step, output }) => [step, output]));
  return requestFor({ gid, strategy, transaction, input, outputs }, plan, "apply");
}

async function publish(entry: OutboxEntry, transaction: AnyTransaction, host: Participant, { node }: RelaySetup) {
  const { gid, branch, plan, attempts } = entry;
  try {
    await node.at("O2");
    const request = await requestOf(entry, transaction, host);
    await node.publishBranch(request, `${gid}:${branch}:${attempts}`, plan.participant, contextOf(entry, node));
    await node.at("O3");
  } catch (error) {
    // It stays, and is published again when its time has come.
    node.log.warn("the bus did not take a branch of a transaction", { gid, branch, error });
  }
}

/** Calls the participant itself, as often as the schedule says. */
async function notify(entry: OutboxEntry, transaction: AnyTransaction, host: Participant, setup: RelaySetup) {
  const { node, scheduleOf, complete } = setup;
  const { gid, branch, plan, attempts } = entry;
  const { sql } = host.performer.database;
  let failure: string;
  try {
    await node.at("N2");
    const request = await requestOf(entry, transaction, host);
    const reply = await node.ask(plan.participant, request, contextOf(entry, node));
    await node.at("N3");
    if (reply.outcome === "done") {
      const { left } = await removeDone(sql, gid, branch);
      if (left === 0) await complete(gid, entry, reply.results);
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

function contextOf({ trace }: OutboxEntry, { ports, options }: TransactionNode): Context {
  const parsed = decodeTrace(trace);
  const root = backgroundOf(ports).with({ timeoutMs: options.driveTimeoutMs });
  return parsed ? root.with({ trace: { ...parsed, service: "transactions" } }) : root;
}
