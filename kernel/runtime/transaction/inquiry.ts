import type { Context } from "../../call/context.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Coordinator, Decision, TransactionRecord, TransactionStatus } from "../../spi/coordinator.ts";
import type { StrategyFacts } from "../../spi/transaction.ts";
import { overdue } from "../../spi/transaction-record.ts";

/** Whom a participant may ask about what it holds. */
export interface Inquiring {
  readonly coordinator: () => Coordinator;
  /** Of a strategy by the name the record has for it; undefined for one that is not known here. */
  readonly factsOf: (strategy: string) => StrategyFacts | undefined;
  /** Asks another participant. */
  readonly ask: (participant: string, request: DriveRequest, context: Context) => Promise<DriveReply>;
}

/**
 * What a participant may do about a branch it holds. Where nothing was begun, that is an abort from then on. Where nobody
 * has decided in time, whoever asks brings the decision about: by the same compare-and-set as every coordinating process,
 * so that it is the record that decides and never the participant.
 */
export async function inquire(inquiring: Inquiring, gid: string, context: Context): Promise<TransactionStatus> {
  const coordinator = inquiring.coordinator();
  const status = await coordinator.inquire(gid);
  if (status !== "active" || !(await coordinator.overdue(gid))) return status;
  const record = await coordinator.get(gid);
  const facts = record && inquiring.factsOf(record.strategy);
  if (!record || !facts?.recordDecides) return status; // elsewhere a branch that is done may be the decision
  const lost = await committedAnywhere(inquiring, record, context);
  const decision: Decision = lost ? "committing" : "aborting";
  return (await coordinator.decide(gid, decision, lost ? { outputs: lost } : { abort: overdue })) ?? "aborting";
}

/**
 * The outputs that are known where a branch that waited for the decision has gone through with it: then there was one, and the
 * coordinator's database has lost it, as a standby can that was behind. Who does not answer is not waited for.
 */
async function committedAnywhere(
  { ask }: Inquiring,
  { gid, strategy, name, branches }: TransactionRecord,
  context: Context,
): Promise<Readonly<Record<string, Uint8Array>> | undefined> {
  const replies = await Promise.all(
    branches
      .filter(({ afterCommit }) => !afterCommit)
      .map(({ id, participant, steps }) => {
        const asked = steps.map((step) => ({ ...step, input: new Uint8Array() }));
        const request = { gid, branch: id, action: "peek", strategy, transaction: name, steps: asked };
        return ask(participant, request, context).catch(() => undefined);
      }),
  );
  const committed = replies.filter((reply) => reply?.outcome === "done");
  if (committed.length === 0) return undefined;
  return Object.fromEntries(committed.flatMap((reply) => reply?.results ?? []).map((one) => [one.step, one.output]));
}
