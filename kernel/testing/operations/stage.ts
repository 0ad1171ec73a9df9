import { randomUUID } from "node:crypto";
import { background } from "../../call/call-context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { OperationType } from "../../contract/transaction/operation.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import { systemPorts } from "../../core/ports.ts";
import { sqlOf } from "../../runtime/transaction/in-transaction.ts";
import { participant } from "../../runtime/transaction/participant.ts";
import type { LocalOperation, Performances, Performer, TransactionHandle } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { isUnsaid, thrownBy } from "./reasons.ts";
import type { AnySubject } from "./subject.ts";

/** One try of operations. All that happens on it is taken back. */
export interface Stage {
  /** Inside the transaction that is taken back; what is done through it is seen by `drive`. */
  readonly tx: TransactionHandle;
  /** Drives an operation as a coordinator does, fence included. Throws what the operation throws. */
  drive(one: Tried, action: BranchAction): Promise<DriveReply>;
  /** Does the same, and loses it just before its commit, as a process does that dies. */
  lose(one: Tried, action: LostAction): Promise<void>;
  observe(): Promise<unknown>;
  /** What an action is called, by the names of the functions that were written. */
  readonly called: (one: Tried, action: BranchAction) => string;
  /** The same, and of which operation. */
  readonly named: (one: Tried, action: BranchAction) => string;
  /** Gives what `work` gives, and takes back what it did. */
  fork<T>(work: (stage: Stage) => Promise<T>): Promise<T>;
}

export type LostAction = "reserve" | "confirm" | "cancel" | "apply" | "undo";

/** One branch that asks for one operation. */
export interface Tried {
  readonly gid: string;
  readonly operation: OperationType;
  readonly input: unknown;
}

export function tried(operation: OperationType, input: unknown): Tried {
  return { gid: randomUUID(), operation, input };
}

/** Undoes a transaction and hands over what was found in it. */
class TakenBack extends Error {
  readonly value: unknown;

  constructor(value: unknown) {
    super("taken back");
    this.value = value;
  }
}

/** What a process that dies leaves: nothing of its transaction. */
class Lost extends Error {}

/** A transaction whose operation waits for itself over another connection ends after so long, in milliseconds. */
const idleMs = 5_000;

/** Opens a stage on a database, with a fence in it. */
export function onStage<T>(database: Database, subject: AnySubject, work: (stage: Stage) => Promise<T>): Promise<T> {
  const performances = subject.perform(database);
  const asked: Asked = { last: "" };
  const all = takenBack(database.orm, async (orm) => {
    const stage = stageIn(orm, { database, subject, performances, asked });
    await stage.tx.sql`select set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true)`;
    return work(stage);
  });
  return all.catch((error: unknown) => {
    throw asked.last !== "" && isUnsaid(error) ? thrownBy(asked.last, error) : error;
  });
}

/** What was asked of an operation last: when the transaction is cut off, its error does not say in what. */
interface Asked {
  last: string;
}

interface Scene {
  readonly database: Database;
  readonly subject: AnySubject;
  readonly performances: Performances;
  readonly asked: Asked;
}

type Orm = TransactionHandle["orm"];

async function takenBack<T>(orm: Pick<Orm, "transaction">, work: (orm: Orm) => Promise<T>): Promise<T> {
  try {
    return await orm.transaction(async (inner) => {
      throw new TakenBack(await work(inner));
    });
  } catch (error) {
    if (error instanceof TakenBack) return error.value as T;
    throw error;
  }
}

function stageIn(orm: Orm, scene: Scene): Stage {
  const { database, subject, performances, asked } = scene;
  const sql = sqlOf(orm);
  const tx = { orm, sql };
  const losing: Losing = { after: "" };
  const performer: Performer = {
    operations: subject.operations,
    // Its transactions are savepoints of the one that is taken back.
    database: { ...database, name: database.name, address: database.address, orm, sql } as unknown as Database,
    perform: Object.fromEntries(
      Object.entries(performances).map(([name, own]) => [name, whichLoses(own as LocalOperation, losing)]),
    ),
  };
  const host = participant(performer, systemPorts);
  const ownOf = ({ operation }: Tried) => performances[operation.name] as LocalOperation;
  const called = (one: Tried, action: BranchAction) =>
    action === "apply" && !ownOf(one).apply ? "reserve and confirm in one" : action;
  const named = (one: Tried, action: BranchAction) => {
    const what = called(one, action);
    return what === action ? `${action} of ${one.operation.name}` : `${what} (of ${one.operation.name})`;
  };
  const drive = (one: Tried, action: BranchAction) => {
    asked.last = named(one, action);
    return host.drive(requestOf(one, action), background);
  };

  return {
    tx,
    drive,
    async lose(one, action) {
      losing.after = action === "apply" && !ownOf(one).apply ? "confirm" : action;
      try {
        await drive(one, action);
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
      } finally {
        losing.after = "";
      }
    },
    observe: () => subject.observe(tx),
    called,
    named,
    fork: (work) => takenBack(orm, (inner) => work(stageIn(inner, scene))),
  };
}

/** A request as a coordinator sends it. */
export function requestOf({ gid, operation, input }: Tried, action: BranchAction) {
  const { name, facts } = operation;
  const step = { step: name, operation: name, version: facts.version, input: codecOf(operation.input).encode(input) };
  return { gid, branch: "b1", action, strategy: "conformance", transaction: "conformance", steps: [step] };
}

interface Losing {
  /** The function whose effect is lost. */
  after: string;
}

function whichLoses(own: LocalOperation, losing: Losing): LocalOperation {
  const functions = Object.entries(own).map(([name, work]) => {
    if (typeof work !== "function") return [name, work] as const;
    const wrapped = async (...given: unknown[]) => {
      const value = await (work as (...given: unknown[]) => unknown).apply(own, given);
      if (losing.after === name) throw new Lost(`${name} was lost`);
      return value;
    };
    return [name, wrapped] as const;
  });
  return Object.fromEntries(functions) as unknown as LocalOperation;
}
