import { createHash } from "node:crypto";
import { backgroundOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import { encodeTraceparent } from "../../call/trace.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Ports } from "../../core/ports.ts";
import type { TransactionRecord } from "../../spi/coordinator.ts";
import type { Span } from "../../spi/tracer.ts";
import type { StrategyFacts } from "../../spi/transaction.ts";
import type { TransactionPolicies } from "../../spi/transaction-policies.ts";
import type { Initiator, RunOptions, TransactionOutcome, WaitOptions } from "../../spi/transactions.ts";
import { waitMs } from "./backoff.ts";
import { keptTrace } from "./branch-span.ts";
import { branchesOf, isOneBranch } from "./branches.ts";
import { drive } from "./driver.ts";
import { endOf } from "./ends.ts";
import { keyReused, reused } from "./input-hash.ts";
import type { TransactionNode } from "./node.ts";
import { outputsOf } from "./requests.ts";
import { type Acknowledgement, type Answer, BegunBefore, type Driver, LeftForLater, type Subject } from "./subject.ts";

/** Transactions that are driven here now. */
export interface Running {
  readonly driver: Driver;
  readonly input: Uint8Array;
  /** Settles, never rejects, when this process has nothing left to do for it. */
  readonly over: Promise<void>;
}

export interface InitiatorSetup {
  readonly node: TransactionNode;
  readonly policies: () => TransactionPolicies;
  readonly factsOf: (strategy: string) => StrategyFacts | undefined;
  readonly running: Map<string, Running>;
  /** Throws a StatusError when a rule forbids it; asked before every begin, cheap after the first time. */
  readonly admit: (transaction: AnyTransaction, strategy: string, input: unknown) => Promise<void>;
}

/** A transaction of one branch has no record to be found by, so its driver must come to an end. */
const oneBranchDeadlineMs = 30_000;

export function initiatorOf<T extends AnyTransaction>(transaction: T, setup: InitiatorSetup): Initiator<T> {
  const { node, policies, factsOf, running } = setup;
  const { ports } = node;
  const plan = branchesOf(transaction);
  const codec = codecOf(transaction.input as never);

  function subjectOf(input: Uint8Array, { key, context }: RunOptions): Subject {
    const { strategy = "", deadlineMs } = policies().of(transaction.name);
    const chosen = deadlineMs === 0 ? undefined : (deadlineMs ?? factsOf(strategy)?.defaultDeadlineMs);
    const span = node.tracer()?.start({
      name: `transaction ${transaction.name}`,
      kind: "internal",
      service: context?.trace?.service ?? transaction.name,
      parent: context?.trace,
      attributes: { "mortise.transaction.strategy": strategy },
    });
    const trace = span?.context ?? context?.trace;
    return {
      span,
      gid: key === undefined ? uuid7(ports) : gidOf(transaction.name, key),
      transaction,
      strategy,
      input,
      fresh: key === undefined,
      deadlineMs: chosen ?? (isOneBranch(plan) ? oneBranchDeadlineMs : undefined),
      trace,
      traceparent: trace ? encodeTraceparent(trace) : "",
    };
  }

  return {
    async run(given, runOptions = {}) {
      const { context, until = "decided" } = runOptions;
      const { maxInFlight } = policies().of(transaction.name);
      if (running.size >= maxInFlight) throw tooMany(running.size);
      const input = codec.encode(given as never);
      const subject = subjectOf(input, runOptions);
      await setup.admit(transaction, subject.strategy, given);
      const known = running.get(subject.gid);
      if (known && Buffer.compare(known.input, input) !== 0)
        return { status: "aborted", gid: subject.gid, abort: keyReused(transaction.name) };
      if (known) return waitFor(known, until, context);
      const started = start(node, running, subject, (driver) => strategyOf(node, subject.strategy).run(driver));
      return waitFor(started, until, context);
    },

    async wait(gid, { timeoutMs, context }: WaitOptions = {}) {
      const over = timeoutMs === undefined ? context : (context ?? backgroundOf(ports)).with({ timeoutMs });
      const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : ports.clock.now() + timeoutMs;
      for (let attempt = 0; ; attempt++) {
        const here = running.get(gid);
        const outcome = here ? await waitFor(here, "decided", over) : await asked(gid);
        if (outcome.status !== "pending") return outcome;
        const left = until - ports.clock.now();
        if (left <= 0 || over?.cancelled) return outcome;
        await ports.timers.sleep(
          Math.min(left, 10 + waitMs(attempt, { backoffMs: 20, maxBackoffMs: 500 }, ports.random)),
        );
      }
    },
  };

  async function asked(gid: string): Promise<TransactionOutcome<T>> {
    const record = await node.coordinator().get(gid);
    return record ? outcomeOf(record) : unrecorded(gid);
  }

  async function waitFor(
    { driver, over }: Running,
    until: "decided" | "settled",
    context?: Context,
  ): Promise<TransactionOutcome<T>> {
    const cancelled = Promise.withResolvers<undefined>();
    const forget = context?.onCancel(() => cancelled.resolve(undefined));
    const ended = over.then(() => undefined);
    const answer = await Promise.race([driver.answered, cancelled.promise, ended.then(() => driver.answered)]);
    if (answer && answer.status !== "pending" && until === "settled") await Promise.race([ended, cancelled.promise]);
    forget?.();
    return answer ? told(driver, answer) : { status: "pending", gid: driver.gid };
  }

  function told({ gid, outputs }: Driver, answer: Answer): TransactionOutcome<T> {
    if (answer.status === "aborted") return { status: "aborted", gid, abort: answer.abort };
    if (answer.status === "pending") return { status: "pending", gid };
    return { status: "committed", gid, outputs: outputsOf(transaction, outputs) as never };
  }

  function outcomeOf(record: TransactionRecord): TransactionOutcome<T> {
    const { gid, status, strategy } = record;
    const decided = factsOf(strategy)?.reply !== "accepted" || status === "committed";
    if ((status === "committed" || status === "committing") && decided) {
      const outputs = new Map(Object.entries(record.outputs));
      return { status: "committed", gid, outputs: outputsOf(transaction, outputs) as never };
    }
    if (status !== "aborted" && status !== "aborting") return { status: "pending", gid };
    const abort = record.abort ?? { reason: "INTERRUPTED", message: "it was aborted", step: "", details: {} };
    return { status: "aborted", gid, abort };
  }

  /** One branch alone leaves its trace with its participant only. */
  async function unrecorded(gid: string): Promise<TransactionOutcome<T>> {
    const [branch] = plan.main;
    const subject = {
      gid,
      transaction,
      strategy: "",
      input: new Uint8Array(),
      fresh: true, // there is no input here to compare with
      deadlineMs: 0,
      trace: undefined,
      traceparent: "",
    };
    const driver = drive(node, subject);
    const reply = branch && (await driver.drive(branch, "peek"));
    if (reply?.outcome === "done") {
      const answer = { status: plan.main.length + plan.later.length > 1 ? "pending" : "committed" } as const;
      return told(driver, answer);
    }
    if (reply?.outcome === "rejected" && reply.refusal) {
      const { reason, message, step, details } = reply.refusal;
      return { status: "aborted", gid, abort: { reason, message, step, details: Object.fromEntries(details) } };
    }
    throw new StatusError("NOT_FOUND", `there is no transaction ${gid} of ${transaction.name}`);
  }
}

/** Drives a transaction until there is nothing left to do for this process. */
export function start(
  node: TransactionNode,
  running: Map<string, Running>,
  subject: Subject,
  work: (driver: Driver) => Promise<void>,
): Running {
  const driver = drive(node, subject);
  const { gid, transaction, strategy } = subject;
  const over = work(driver)
    .then(() => driver.answer("pending")) // only the first answer counts; who waits for one that has none must not hang
    .catch(async (error: unknown) => {
      if (error instanceof BegunBefore) return goWith(driver, error.record, subject.input);
      if (!(error instanceof LeftForLater)) {
        const { code, message } = asStatusError(error);
        node.log.warn("a transaction was left for later", {
          gid,
          transaction: transaction.name,
          strategy,
          code,
          message,
        });
      }
      await driver.answer("pending");
    })
    .catch(() => driver.answer("pending"))
    .then(async () => {
      running.delete(gid);
      await endSpan(driver, subject.span);
      if (!driver.recorded) endUnrecorded(node, subject, await driver.answered, driver.doneBefore);
    });
  const started = { driver, over, input: subject.input };
  running.set(gid, started);
  return started;
}

/** What the coordinator never knew begins and ends with its answer; nobody waits until the bus has taken that. */
function endUnrecorded(node: TransactionNode, subject: Subject, answer: Answer, doneBefore: boolean): void {
  if (answer.status === "pending" || (answer.status === "aborted" && answer.abort.reason === reused)) return;
  const { ports, options, ends } = node;
  const { trace, strategy } = subject;
  const context = backgroundOf(ports).with({ timeoutMs: options.driveTimeoutMs, ...(trace && { trace }) });
  const end = endOf(subject, answer.status === "aborted" ? answer.abort : undefined);
  void ends.unrecorded(end, strategy, context, doneBefore);
}

async function endSpan({ gid, answered }: Driver, span: Span | undefined): Promise<void> {
  if (!span) return;
  const answer = await answered;
  span.set("mortise.transaction.gid", gid);
  span.set("mortise.transaction.outcome", answer.status);
  if (answer.status === "aborted") span.end("ABORTED", answer.abort.reason);
  else span.end("OK");
}

/** The answer to a transaction that was begun before is that of the first. */
async function goWith(driver: Driver, record: TransactionRecord, input: Uint8Array): Promise<void> {
  const planned = record.name !== ""; // else all that is known of it is an abort, of somebody who asked about it
  if (planned && Buffer.compare(record.input, input) !== 0) return driver.answer(keyReused(record.name));
  for (const [step, output] of Object.entries(record.outputs))
    (driver.outputs as Map<string, Uint8Array>).set(step, output);
  if (record.status === "committed" || record.status === "committing") return driver.answer("committed");
  if (record.abort) return driver.answer(record.abort);
  return driver.answer(record.status === "active" ? "pending" : "aborted");
}

export function strategyOf(node: TransactionNode, name: string) {
  const found = node.strategy(name);
  if (found) return found;
  throw new StatusError("FAILED_PRECONDITION", `DTX001: there is no transaction strategy "${name}" in this process`, {
    reason: "DTX001",
  });
}

/** The subject of a transaction the coordinator has a record of. */
export function subjectOfRecord(
  record: TransactionRecord,
  transaction: AnyTransaction,
  acknowledged?: Acknowledgement,
): Subject {
  const { gid, strategy, input, trace } = record;
  return {
    gid,
    transaction,
    strategy,
    input,
    fresh: false,
    deadlineMs: undefined,
    trace: keptTrace(trace, transaction.name),
    traceparent: trace,
    record,
    acknowledged,
  };
}

/** A UUID of version 7: ids made later sort later (RFC 9562, section 5.7). */
export function uuid7({ clock, ids }: Pick<Ports, "clock" | "ids">): string {
  const time = Math.floor(clock.wall()).toString(16).padStart(12, "0");
  const random = ids.hex(10);
  const variant = ((Number.parseInt(random.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}

/** The id of the transaction a key stands for (a UUID of version 8 over SHA-256; RFC 9562, section 5.8). */
export function gidOf(transaction: string, key: string): string {
  const hash = createHash("sha256").update(`${transaction}\0${key}`).digest("hex");
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

function tooMany(count: number): StatusError {
  const how = { reason: "TOO_MANY_TRANSACTIONS", retryable: true, neverSent: true };
  return new StatusError("RESOURCE_EXHAUSTED", `${count} transactions are under way in this process; try later`, how);
}
