import type { Context } from "../../call/context.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Log } from "../../core/plugin.ts";
import type { Ports } from "../../core/ports.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { Tracer } from "../../spi/tracer.ts";
import type { TransactionStrategy } from "../../spi/transaction.ts";
import type { Ends } from "./ends.ts";
import type { TransactionCounters } from "./numbers.ts";
import type { Participant } from "./participant.ts";
import type { Remembering } from "./remembering.ts";
import type { Resends } from "./resends.ts";

export interface TransactionOptions {
  /** How long a node is believed to work on what it took on without saying so again, in milliseconds. */
  readonly leaseMs: number;
  /** How often a node looks for what is due, in milliseconds. */
  readonly recoverEveryMs: number;
  /** How many of those it takes on at once. */
  readonly recoverBatch: number;
  /** How long one request to a participant may take, in milliseconds. */
  readonly driveTimeoutMs: number;
  /** Attempts within one round, before it is left for later. */
  readonly attempts: number;
  /** The first wait after a failure, in milliseconds; it doubles, with jitter. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** How long what was sent over the bus may stay without acknowledgement before it is sent again, in milliseconds; it doubles, */
  readonly redeliverMs: number;
  /** up to this. */
  readonly maxRedeliverMs: number;
  /** How many branches are sent again to one participant in `redeliverMs`. */
  readonly redeliverAtOnce: number;
  /** A transaction is stuck after so many rounds, */
  readonly stuckAfterRounds: number;
  /** or after so long, in milliseconds; it is then still tried, slowly. */
  readonly stuckAfterMs: number;
  /** How long a stop waits for what is under way, in milliseconds. */
  readonly graceMs: number;
  /** How often branches nobody has asked about are looked for, in milliseconds. */
  readonly sweepEveryMs: number;
  /** How old such a branch must be, in milliseconds. */
  readonly orphanAfterMs: number;
  /** How long rows of fences are kept after the last one of their branch, in days; 0: for ever. */
  readonly fenceRetentionDays: number;
  /** How often fences are gone through for older ones, in milliseconds. */
  readonly pruneEveryMs: number;
  /** How often the outboxes are looked through, in milliseconds. */
  readonly relayEveryMs: number;
  /** How often the coordinator and the databases are asked for numbers, in milliseconds. */
  readonly sampleEveryMs: number;
}

/** Everything the transactions of one process are made with. What may be swapped is read at every use. */
export interface TransactionNode {
  /** Unique per process and start. */
  readonly owner: string;
  readonly options: TransactionOptions;
  readonly ports: Ports;
  readonly log: Log;
  readonly coordinator: () => Coordinator;
  readonly strategy: (name: string) => TransactionStrategy | undefined;
  readonly tracer: () => Tracer | undefined;
  /** Asks a participant, wherever it is. */
  readonly ask: (participant: string, request: DriveRequest, context: Context) => Promise<DriveReply>;
  /** The request with who keeps its transaction, as `ask` sends it. */
  readonly withKeeper: (request: DriveRequest) => DriveRequest;
  /** A participant of this process. */
  readonly hosted: (participant: string) => Participant | undefined;
  /** Transactions this process initiates, by name. */
  readonly initiated: ReadonlyMap<string, AnyTransaction>;
  readonly publishBranch: (request: DriveRequest, id: string, participant: string, context: Context) => Promise<void>;
  readonly resends: Resends;
  readonly ends: Ends;
  readonly counters: TransactionCounters;
  /** Of transactions in outboxes: that the coordinator was told of them by this process, or is being told. */
  readonly adopted: Remembering<Promise<void>>;
  readonly at: (point: string) => Promise<void> | void;
  /** Tells the relay that something was put into an outbox of this process. */
  readonly relayed: () => void;
  /** Has whoever can drive transactions of these names look for what is due, here or over the bus. Never rejects. */
  readonly due: (names: Iterable<string>) => Promise<void>;
}
