import type { DriveReply } from "../../contract/transaction/participant.ts";
import type { Acknowledged } from "../../contract/transaction/topics.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Infer } from "../../contract/types.ts";
import type { TransactionRecord } from "../../spi/coordinator.ts";
import type { StrategyFacts } from "../../spi/transaction.ts";
import { hasEnded } from "../../spi/transaction-record.ts";
import { adopt, adopted } from "./adopting.ts";
import { branchesOf } from "./branches.ts";
import { publishBranch } from "./bus-side.ts";
import { drive } from "./driver.ts";
import { failing } from "./failing.ts";
import type { Hosts } from "./hosting.ts";
import { type Running, strategyOf, subjectOfRecord } from "./initiator.ts";
import { journeyOf } from "./journey.ts";
import type { TransactionNode } from "./node.ts";
import { noteFailure, type OutboxOrigin, originOf, removeDone } from "./outbox.ts";
import { type Acknowledgement, LeftForLater } from "./subject.ts";

type Ack = Infer<typeof Acknowledged>;
type Done = Acknowledgement & { readonly branch: string };

/** What happens when branches that went over the bus, or out of an outbox, are done. */
export interface Acknowledging {
  /** Somebody said what became of a branch. Rejects where that could not be kept; then it has to be said again. */
  acknowledged(transaction: AnyTransaction, ack: Ack): Promise<void>;
  /** The outbox of a transaction is empty: what its first participant committed has happened everywhere. */
  complete(gid: string, origin: OutboxOrigin, results: DriveReply["results"], known?: TransactionRecord): Promise<void>;
}

export interface AcknowledgingSetup {
  readonly node: TransactionNode;
  readonly running: Map<string, Running>;
  readonly hosted: Hosts;
  readonly factsOf: (strategy: string) => StrategyFacts | undefined;
}

export function acknowledging({ node, running, hosted, factsOf }: AcknowledgingSetup): Acknowledging {
  const { log } = node;

  async function complete(
    gid: string,
    origin: OutboxOrigin,
    results: DriveReply["results"],
    known?: TransactionRecord,
  ): Promise<void> {
    const transaction = node.initiated.get(origin.transaction);
    if (!transaction) return;
    const coordinator = node.coordinator();
    const before = known ?? (await coordinator.get(gid));
    if (before && hasEnded(before.status)) return;
    if (!before) await adopt(node, gid, origin); // the coordinator has lost it
    const record = before ?? (await coordinator.get(gid));
    const said = { outputs: outputsIn(results) };
    if (record) await drive(node, subjectOfRecord(record, transaction, said)).finish("committing");
  }

  /** Whether the branch is, or was, in an outbox of this process. */
  async function inOutbox(transaction: AnyTransaction, { gid, branch, strategy, driven }: Ack): Promise<boolean> {
    if (factsOf(strategy)?.ownFirst === false || driven?.outcome !== "done") return false;
    const first = branchesOf(transaction).main[0];
    const host = first && hosted.get(first.participant);
    if (!host) return false;
    const { sql } = host.performer.database;
    const known = await adopted(node, gid, () => originOf(sql, gid));
    const { removed, left } = await removeDone(sql, gid, branch);
    if (!removed) return strategy !== "";
    node.resends.heard(removed.participant);
    if (left > 0) node.relayed();
    else {
      await node.at("O10");
      await complete(gid, removed, driven.results, known);
    }
    return true;
  }

  /** Keeps why a branch fails where people look for it: in the outbox it waits in, or with the record. */
  async function failed(transaction: AnyTransaction, { gid, branch, strategy, driven }: Ack): Promise<void> {
    const error = driven?.note ?? "";
    const first = branchesOf(transaction).main[0];
    const host = factsOf(strategy)?.ownFirst && first ? hosted.get(first.participant) : undefined;
    if (host && (await noteFailure(host.performer.database.sql, { gid, branch, error }))) return;
    await node.coordinator().note(gid, { lastError: `${branch}: ${error}` });
  }

  /** Keeps that a branch is done: the last of them with what follows from it. */
  async function done(transaction: AnyTransaction, record: TransactionRecord, said: Done): Promise<void> {
    const coordinator = node.coordinator();
    const { gid, status } = record;
    const left = leftOf(record, said.branch);
    if (left.length === 0 && status === "committing") return conclude(transaction, record, said);
    await coordinator.note(gid, { done: [said.branch], outputs: said.outputs });
    const now = await coordinator.get(gid);
    await goOn(transaction, now, said.branch);
  }

  /** Has the strategy end a transaction whose branches are done. */
  async function conclude(transaction: AnyTransaction, record: TransactionRecord, said?: Done): Promise<void> {
    await running.get(record.gid)?.over; // whoever sent the last one may be about to put it off
    const driver = drive(node, subjectOfRecord(record, transaction, said));
    const known = said ? { ...record, done: [...record.done, said.branch] } : record;
    await strategyOf(node, record.strategy)
      .resume(driver, known)
      .catch((error: unknown) => {
        if (!(error instanceof LeftForLater)) throw error; // else all that was said is noted
      });
  }

  /** Ends a decided transaction whose last branch this was, or sends those that waited for it unless it is paused. */
  async function goOn(
    transaction: AnyTransaction,
    record: TransactionRecord | undefined,
    branch: string,
  ): Promise<void> {
    if (record?.status !== "committing") return;
    const left = leftOf(record);
    if (left.length === 0) return conclude(transaction, record);
    if (record.paused) return;
    const isLeft = (id: string) => left.some((one) => one.id === id);
    const unlocked = left.filter(({ after }) => after.includes(branch) && !after.some(isLeft));
    if (unlocked.length === 0) return;
    const journey = journeyOf(node, subjectOfRecord(record, transaction));
    await Promise.all(unlocked.map((one) => publishBranch(journey, one, 0)));
  }

  return {
    complete,

    async acknowledged(transaction, ack) {
      if (ack.driven?.outcome === failing) return failed(transaction, ack);
      if (await inOutbox(transaction, ack)) return;
      const { gid, branch, driven } = ack;
      const coordinator = node.coordinator();
      if (driven?.outcome !== "done") {
        const lastError = `${branch}: ${driven?.refusal?.reason ?? driven?.outcome}`;
        log.error("a branch cannot be done and needs a person", { gid, transaction: transaction.name, lastError });
        return coordinator.note(gid, { lastError, stuck: true });
      }
      const record = await coordinator.get(gid);
      const participant = record?.branches.find((one) => one.id === branch)?.participant;
      if (!record || participant === undefined) return;
      node.resends.heard(participant);
      if (!record.done.includes(branch) && !hasEnded(record.status))
        return done(transaction, record, { branch, outputs: outputsIn(driven.results) });
      await goOn(transaction, record, branch);
    },
  };
}

/** Branches that others do and have not said to be done, this one aside. */
function leftOf({ branches, done }: TransactionRecord, branch?: string): TransactionRecord["branches"] {
  return branches.slice(1).filter(({ id }) => id !== branch && !done.includes(id));
}

function outputsIn(results: DriveReply["results"]): Record<string, Uint8Array> {
  return Object.fromEntries(results.map(({ step, output }) => [step, output]));
}
