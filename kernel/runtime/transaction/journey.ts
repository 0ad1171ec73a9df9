import { backgroundOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import type { TraceContext } from "../../call/trace.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { PlannedBranch, TransactionRecord } from "../../spi/coordinator.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { waitMs } from "./backoff.ts";
import { inBranchSpan } from "./branch-span.ts";
import { type Branches, branchesOf, isOneBranch } from "./branches.ts";
import { type DoneBefore, doneBefore } from "./done-before.ts";
import { compared, inputHashOf } from "./input-hash.ts";
import type { TransactionNode } from "./node.ts";
import { requestFor } from "./requests.ts";
import type { Subject } from "./subject.ts";

/** What is known of one transaction on its way, and how its participants are asked. All sides of its driver share it. */
export interface Journey {
  readonly node: TransactionNode;
  readonly subject: Subject;
  readonly plan: Branches;
  /** What steps gave so far, as bytes. */
  readonly outputs: Map<string, Uint8Array>;
  /** Ids of branches whose last step after the decision is done. */
  readonly done: Set<string>;
  /** Whether what has no record was done before it was asked for here. */
  readonly before: Pick<DoneBefore, "was">;
  /** By the clock of this process. */
  readonly deadline: number;
  request(branch: PlannedBranch, action: BranchAction): DriveRequest;
  /** One request in a span of its own; outputs in the reply are kept. */
  ask(branch: PlannedBranch, action: BranchAction): Promise<DriveReply>;
  /** Does something about a branch in a span of its own. */
  inSpan<T>(branch: PlannedBranch, phase: string, work: (within: Context) => Promise<T>): Promise<T>;
  /** The answer to a request: a refusal where it was done before with another input. Its outputs are kept. */
  answered(reply: Promise<DriveReply>): Promise<DriveReply>;
  /** The context of what is done on behalf of the transaction. */
  context(trace?: TraceContext): Context;
  /** Waits before the same is tried again, by its attempt counted from 0. */
  pause(attempt: number, atMostMs?: number): Promise<void>;
}

export function journeyOf(node: TransactionNode, subject: Subject): Journey {
  const { gid, transaction, strategy, input, record, acknowledged } = subject;
  const { ports, options } = node;
  const outputs = new Map(Object.entries({ ...record?.outputs, ...acknowledged?.outputs }));
  const plan = record ? plannedIn(record) : branchesOf(transaction);
  const inputHash = inputHashOf(subject, () => isOneBranch(plan) || (node.strategy(strategy)?.facts.ownFirst ?? false));

  const before = doneBefore();

  const context = (trace = subject.trace) =>
    backgroundOf(ports).with({ timeoutMs: options.driveTimeoutMs, ...(trace && { trace }) });
  const request = (branch: PlannedBranch, action: BranchAction) => ({
    ...requestFor({ gid, strategy, transaction, input, outputs }, branch, action),
    ...(inputHash && { inputHash }),
  });

  function inSpan<T>(branch: PlannedBranch, phase: string, work: (within: Context) => Promise<T>): Promise<T> {
    const { id, participant, steps } = branch;
    const about = { phase, gid, strategy, transaction: transaction.name, branch: id, participant, steps };
    return inBranchSpan(node.tracer(), about, subject.trace, (trace) => work(context(trace)));
  }

  async function answered(replying: Promise<DriveReply>): Promise<DriveReply> {
    const answer = await replying.catch((error: unknown) => {
      before.unheard(error);
      throw error;
    });
    before.heard(answer);
    const reply = compared(answer, inputHash, transaction.name);
    for (const { step, output } of reply.results) outputs.set(step, output);
    return reply;
  }

  return {
    node,
    subject,
    plan,
    outputs,
    before,
    done: new Set([...(record?.done ?? []), ...(acknowledged?.branch ? [acknowledged.branch] : [])]),
    deadline: subject.deadlineMs === undefined ? Number.POSITIVE_INFINITY : ports.clock.now() + subject.deadlineMs,
    request,
    inSpan,
    answered,
    context,

    async ask(branch, action) {
      const asked = request(branch, action);
      return answered(inSpan(branch, action, (within) => node.ask(branch.participant, asked, within)));
    },

    pause: (attempt, atMostMs = Number.POSITIVE_INFINITY) =>
      ports.timers.sleep(Math.min(waitMs(attempt, options, ports.random), Math.max(0, atMostMs))),
  };
}

function plannedIn({ branches }: TransactionRecord): Branches {
  return { main: branches.filter((one) => !one.afterCommit), later: branches.filter((one) => one.afterCommit) };
}
