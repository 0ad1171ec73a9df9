import { defineSpi } from "../core/spi.ts";

/**
 * Where a transaction stands. It moves only along `active → committing → committed` and `active → aborting → aborted`;
 * who takes it out of `active` has decided it.
 */
export type TransactionStatus = "active" | "committing" | "committed" | "aborting" | "aborted";

export type Decision = "committing" | "aborting";

/** One operation of a branch as the begin of the transaction pinned it. */
export interface PlannedStep {
  readonly step: string;
  readonly operation: string;
  readonly version: number;
}

/** The steps one participant takes together, in one transaction of its database. */
export interface PlannedBranch {
  /** Unique within the transaction, for example `b1`. */
  readonly id: string;
  readonly participant: string;
  readonly steps: readonly PlannedStep[];
  /** Ids of the branches it runs after. */
  readonly after: readonly string[];
  readonly pivot: boolean;
  /** Runs only once the outcome is certain. */
  readonly afterCommit: boolean;
  readonly droppable: boolean;
  readonly external: boolean;
}

/** Why a transaction was not done. */
export interface AbortReason {
  /** UPPER_SNAKE: a reject an operation declares, or DEADLINE, INTERRUPTED, FORCED, ORPHAN, UNAVAILABLE. */
  readonly reason: string;
  readonly message: string;
  /** The step that said no; empty where none did. */
  readonly step: string;
  readonly details: Readonly<Record<string, string>>;
}

/** What became of a transaction before its coordinator heard of it. */
export interface Past {
  /** Since it began, in milliseconds, by the clock of whoever kept it. */
  readonly ageMs: number;
  readonly attempts: number;
  readonly lastError: string;
}

/** A transaction as it begins. */
export interface NewTransaction {
  /** A UUID. */
  readonly gid: string;
  readonly name: string;
  readonly version: number;
  readonly strategy: string;
  /** The input as bytes of its message. */
  readonly input: Uint8Array;
  readonly branches: readonly PlannedBranch[];
  /**
   * Begins as `active`, as `committing` where what was done before is the decision, or as `aborting` where it was refused before
   * anything of it was done.
   */
  readonly status: "active" | "committing" | "aborting";
  /** Why it begins as `aborting`. */
  readonly abort?: AbortReason | undefined;
  /** Outputs known already, as bytes by step. */
  readonly outputs: Readonly<Record<string, Uint8Array>>;
  /** From its begin to the moment it is aborted if it is still undecided, in milliseconds; undefined: never. */
  readonly deadlineMs: number | undefined;
  /** W3C traceparent; empty for none. */
  readonly trace: string;
  /** Of one that began before, and was kept elsewhere. Default: it begins now. */
  readonly past?: Past | undefined;
}

/** A transaction as the coordinator keeps it. Times are milliseconds since 1970 by the coordinator's own clock. */
export interface TransactionRecord extends Omit<NewTransaction, "status" | "abort" | "deadlineMs" | "past"> {
  readonly status: TransactionStatus;
  readonly abort: AbortReason | undefined;
  /** Ids of branches whose last step after the decision is done. */
  readonly done: readonly string[];
  readonly createdAt: number;
  readonly decidedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly deadlineAt: number | undefined;
  /** When a node takes it on if no other works on it. */
  readonly nextAt: number;
  readonly attempts: number;
  readonly lastError: string;
  /** It needs a person: it was tried long enough. It is still tried, slowly. */
  readonly stuck: boolean;
  /** Branches that ended otherwise than was decided, and why, separated by "; "; empty for none. */
  readonly heuristic: string;
  readonly paused: boolean;
  readonly owner: string;
  readonly leaseUntil: number;
}

/** What changes while a transaction is on its way and no decision is made. */
export interface TransactionNote {
  /** Added to those that are done. */
  readonly done?: readonly string[];
  /** Added to those that are known, as bytes by step. */
  readonly outputs?: Readonly<Record<string, Uint8Array>>;
  readonly attempts?: number;
  readonly lastError?: string;
  readonly stuck?: boolean;
  /** Added to what is known of that, unless it is. */
  readonly heuristic?: string;
  /** From now, in milliseconds. */
  readonly nextInMs?: number;
}

/** What is kept with the end of a transaction. */
export type LastNote = Pick<TransactionNote, "done" | "outputs">;

/** What is kept with a decision, by whoever makes it. */
export interface DecisionDetails extends Pick<TransactionNote, "outputs"> {
  /** Why it is aborted. */
  readonly abort?: AbortReason;
  /** Puts it off with the decision, as a note would, because others are to do the rest. */
  readonly next?: Required<Pick<TransactionNote, "attempts" | "nextInMs">>;
}

export interface TransactionFilter {
  readonly name?: string | undefined;
  readonly status?: readonly TransactionStatus[] | undefined;
  readonly strategy?: string | undefined;
  readonly stuck?: boolean | undefined;
  /** At least so old, in milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** Less than so old, in milliseconds. */
  readonly newerThanMs?: number | undefined;
  /** Only these. */
  readonly gids?: readonly string[] | undefined;
  /** Only those whose gid ends with these signs. May take the longer the more there are, as a person asks. */
  readonly gidEnd?: string | undefined;
  /** Only those whose gid comes after this one, in the order of gids: to go through all of them, batch by batch. */
  readonly after?: string | undefined;
  /** At most so many, the oldest first unless `after` is given. Default 100. */
  readonly limit?: number | undefined;
}

export interface ClaimRequest {
  /** Who takes them on. */
  readonly owner: string;
  /** Only transactions of these names. */
  readonly names: readonly string[];
  readonly limit: number;
  readonly leaseMs: number;
}

/** One act of a person on a transaction. */
export interface AuditEntry {
  readonly gid: string;
  readonly action: string;
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

export interface TransactionCount {
  readonly name: string;
  readonly strategy: string;
  readonly status: TransactionStatus;
  readonly count: number;
  readonly stuck: number;
  /** Of the oldest, in milliseconds. */
  readonly oldestMs: number;
}

/** What is wrong, or not, with where decisions are kept. */
export interface CoordinatorHealth {
  /** Whether a decision outlives the process; false only in simulations and tests. */
  readonly durable: boolean;
  /** Whether a second server has every decision before it counts. */
  readonly replicated: boolean;
}

/**
 * Keeps what was begun and decided. Every change of status is a compare-and-set, safe from any number of nodes at the
 * same time; leases only spare them doing the same work twice. Only the coordinator's own clock counts.
 */
export interface Coordinator {
  /**
   * A UUID that is the same for all who share its transactions, made once and kept with them. Who holds a branch for one
   * coordinator never asks another. Empty where only one process can know them.
   */
  readonly identity: string;
  /** How long it keeps what has ended, in milliseconds; undefined where that is no matter of time. */
  readonly keepsEndedMs: number | undefined;
  /**
   * Resolves when the begin is durable. Gives the record that is there already if the gid was begun, or ended, before. Where
   * only an abort was written, that stays, and the record has the plan from then on, so that all branches can be told.
   */
  begin(begun: NewTransaction, owner: string, leaseMs: number): Promise<TransactionRecord | undefined>;
  /**
   * Takes a transaction out of `active`, and keeps outputs or the reason with the decision. Resolves when that is durable
   * with the status as it is then: another one than asked for when somebody else has decided. Where nothing was begun, an
   * `aborting` is written all the same, so that a late begin loses; a `committing` gives undefined.
   */
  decide(gid: string, decision: Decision, what: DecisionDetails): Promise<TransactionStatus | undefined>;
  /**
   * `committing` becomes `committed` and `aborting` `aborted`. May be late: until then it is found again. Tells whether this
   * call ended it: of any number who ask, at most one is told so, and none where that answer was lost on its way.
   * @param last what became known with the end, kept with it by whoever ends it
   */
  finish(gid: string, last?: LastNote): Promise<boolean>;
  /** Changes what the note mentions; nothing of what has ended. */
  note(gid: string, note: TransactionNote): Promise<void>;
  /** Prolongs the leases an owner still has. */
  renew(gids: readonly string[], owner: string, leaseMs: number): Promise<void>;
  /** Takes on what is due and nobody works on, each by one owner. */
  claim(request: ClaimRequest): Promise<readonly TransactionRecord[]>;
  get(gid: string): Promise<TransactionRecord | undefined>;
  find(filter: TransactionFilter): Promise<readonly TransactionRecord[]>;
  /** Those of these that have not ended, or ended less than so many milliseconds ago. Of any number, for the price of one look. */
  notLongEnded(gids: readonly string[], withinMs: number): Promise<readonly string[]>;
  /** Of all that were begun and have not ended. */
  counts(): Promise<readonly TransactionCount[]>;
  /** What a participant may do about a branch it holds: where nothing was begun, the abort is written and given. */
  inquire(gid: string): Promise<TransactionStatus>;
  /** Whether it is undecided and not paused, and its deadline has passed by the coordinator's own clock. */
  overdue(gid: string): Promise<boolean>;
  /** Makes it due at once. False for one that has ended or is not there. */
  wake(gid: string): Promise<boolean>;
  /** Nobody takes on a paused transaction. */
  pause(gid: string, paused: boolean): Promise<boolean>;
  /**
   * Ends a transaction whatever its branches say, or has one branch of it count as done; only ever by a person. False unless
   * it is decided and not ended, and for a branch that is done.
   */
  close(gid: string, note: string, branch?: string): Promise<boolean>;
  audit(entry: Omit<AuditEntry, "at">): Promise<void>;
  audits(gid: string): Promise<readonly AuditEntry[]>;
  health(): Promise<CoordinatorHealth>;
}

/** What is known of a coordinator before it runs, as `facts` of its plugin. */
export interface CoordinatorFacts extends Readonly<Record<string, unknown>> {
  /** What `keepsEndedMs` will be with these options (of the plugin, complete). */
  readonly keepsEndedMs?: (options: never) => number | undefined;
}

export const coordinator = defineSpi<Coordinator>("coordinator", { kind: "one", fallback: "postgres" });
