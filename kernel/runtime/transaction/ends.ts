import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import type { Log } from "../../core/plugin.ts";
import type { AbortReason, Coordinator, LastNote, TransactionRecord } from "../../spi/coordinator.ts";
import { interrupted, orphan } from "../../spi/transaction-record.ts";
import type { TransactionCounters } from "./numbers.ts";
import { remembering } from "./remembering.ts";
import type { Subject } from "./subject.ts";

/** What the bus is told of a transaction that ends. */
export interface EndOfTransaction {
  readonly gid: string;
  readonly transaction: string;
  readonly committed: boolean;
  readonly reason: string;
  readonly step: string;
  readonly details: ReadonlyMap<string, string>;
  readonly input: Uint8Array;
}

/** Tells the bus of ends, and counts them: each once as far as this process knows. */
export interface Ends {
  /**
   * Of one with a record: first the bus is told, then the end is written, and counted unless somebody else has written it.
   * @param last what is kept with the end; without it where it cannot be ended now
   */
  finish(end: EndOfTransaction, strategy: string, context: Context, last?: LastNote): Promise<void>;
  /**
   * Of one without, which begins and ends with its answer. Never rejects: it stands, told or not.
   * @param doneBefore somebody else has counted it. The bus is told all the same, as nobody knows whether that one lived to do so.
   */
  unrecorded(end: EndOfTransaction, strategy: string, context: Context, doneBefore?: boolean): Promise<void>;
  /** Of one that a person ends, whether the bus takes it or not. Gives what `close` gives: whether it has ended by that. */
  closed(end: EndOfTransaction, strategy: string, context: Context, close: () => Promise<boolean>): Promise<boolean>;
  /** Resolves when nothing is being told any more. */
  quiet(): Promise<unknown>;
}

export interface EndsSetup {
  readonly publish: (end: EndOfTransaction, context: Context) => Promise<void>;
  readonly coordinator: () => Coordinator;
  readonly counters: TransactionCounters;
  readonly log: Log;
}

export function endsOf({ publish, coordinator, counters, log }: EndsSetup): Ends {
  const told = remembering<Promise<void>>();
  const open = new Set<Promise<unknown>>();
  /** The bus has not taken the last one. */
  let silent = false;

  function tell(end: EndOfTransaction, context: Context): Promise<void> {
    const { gid } = end;
    const before = told.get(gid);
    if (before) return before;
    const telling = publish(end, context);
    told.keep(gid, telling);
    telling.catch(() => {
      void told.take(gid); // so that it is told again
    });
    return telling;
  }

  async function tellIfTaken(end: EndOfTransaction, context: Context): Promise<void> {
    try {
      await tell(end, context);
      silent = false;
    } catch (error) {
      const { gid, transaction } = end;
      const facts = { gid, transaction, error: asStatusError(error).message };
      if (!silent) log.warn("the bus does not take how transactions end, which is not told again", facts);
      silent = true;
    }
  }

  function count({ transaction, committed, reason }: EndOfTransaction, strategy: string): void {
    if (reason === orphan.reason) counters.begun(transaction, strategy); // aborted before its begin came, which did not count
    counters.ended(transaction, strategy, committed ? undefined : reason);
  }

  return {
    async finish(end, strategy, context, last) {
      try {
        await tell(end, context);
        if (await coordinator().finish(end.gid, last)) count(end, strategy);
      } catch (error) {
        if (last) await coordinator().note(end.gid, last);
        throw error;
      }
    },

    async unrecorded(end, strategy, context, doneBefore = false) {
      if (told.get(end.gid)) return; // it was run again under its key
      if (!doneBefore) {
        counters.begun(end.transaction, strategy);
        count(end, strategy);
      }
      const telling = tellIfTaken(end, context).finally(() => open.delete(telling));
      open.add(telling);
      await telling;
    },

    async closed(end, strategy, context, close) {
      await tellIfTaken(end, context);
      const ended = await close();
      if (ended) count(end, strategy);
      return ended;
    },

    quiet: () => Promise.all(open),
  };
}

/** What is told of a transaction that was aborted for this reason, or committed where there is none. */
export function endOf(
  { gid, transaction, input }: Pick<Subject, "gid" | "input"> & { readonly transaction: { readonly name: string } },
  abort: AbortReason | undefined,
): EndOfTransaction {
  const { reason = "", step = "", details = {} } = abort ?? {};
  const why = { reason, step, details: new Map(Object.entries(details)) };
  return { gid, transaction: transaction.name, committed: abort === undefined, input, ...why };
}

/** The same of a record that is decided. */
export function endOfRecord({ status, abort = interrupted, name, ...about }: TransactionRecord): EndOfTransaction {
  const committed = status === "committing" || status === "committed";
  return endOf({ ...about, transaction: { name } }, committed ? undefined : abort);
}
