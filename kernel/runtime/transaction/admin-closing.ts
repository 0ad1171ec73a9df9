import type { Context } from "../../call/context.ts";
import type { Acted, TransactionAdmin } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import type { TransactionRecord } from "../../spi/coordinator.ts";
import type { Handlers } from "../../spi/service.ts";
import { hasEnded } from "../../spi/transaction-record.ts";
import { type Acting, type Who, whoOf } from "./admin-acts.ts";
import type { AdminSetup, Sight } from "./admin-sight.ts";
import { askAll } from "./ask-all.ts";
import { endOfRecord } from "./ends.ts";
import { invalid, noBranch, notNow } from "./refusals.ts";

type Closing = Pick<Handlers<typeof TransactionAdmin>, "close">;
type Taken = Pick<Infer<typeof Acted>, "outboxRows" | "silent">;

/** Ends what is decided by hand, or one branch of it. */
export function adminClosing({ node, participant }: AdminSetup, sight: Sight, { each, wake }: Acting): Closing {
  const { coordinator, existing } = sight;

  const inOutbox = (strategy: string): boolean => node.strategy(strategy)?.facts.ownFirst ?? false;

  /**
   * Whether an end says that a person brought it about: what is about to be taken out of an outbox is noted before, for whoever
   * drives the transaction may then find that outbox empty, and end it.
   */
  async function isNoted(gid: string, note: string): Promise<boolean> {
    return `; ${(await coordinator().get(gid))?.heuristic}; `.includes(`; ${note}; `);
  }

  /** Has one branch count as done, wherever it waits; the rest of the transaction goes on at once. */
  async function closeBranch(
    { gid, strategy, branches, done }: TransactionRecord,
    id: string,
    who: Who,
    call: Context,
  ) {
    const branch = branches.find((one) => one.id === id);
    const [first] = branches;
    if (!branch || !first) throw noBranch(gid, id, branches.map((one) => `${one.id} (${one.participant})`).join(", "));
    if (done.includes(id)) throw notNow("BRANCH_IS_DONE", `the branch ${id} of ${gid} is done already`);
    const note = `${id} (${branch.participant}) closed by ${who.by}: ${who.reason}`;
    let outboxRows = 0;
    const closed = await each([gid], `close ${id}`, who, async () => {
      if (inOutbox(strategy)) {
        await coordinator().note(gid, { heuristic: note });
        outboxRows = (await participant(first.participant).release({ gid, branch: id }, call)).rows;
      }
      if (!(await coordinator().close(gid, note, id)) && !(await isNoted(gid, note)))
        throw notNow("BRANCH_IS_DONE", `the branch ${id} of ${gid} is done meanwhile`);
      await wake(gid);
    });
    return { ...closed, outboxRows };
  }

  /** Takes all of a transaction out of the outbox of its first participant, which else would go on handing it on. */
  async function releaseAll({ gid, strategy, branches, done }: TransactionRecord, call: Context): Promise<Taken> {
    const [first] = branches;
    if (!first || !inOutbox(strategy)) return { outboxRows: 0, silent: [] };
    const holder = participant(first.participant);
    const { answers, silent } = await askAll([first.participant], async () => {
      let rows = 0;
      for (const { id } of branches)
        if (!done.includes(id)) rows += (await holder.release({ gid, branch: id }, call)).rows;
      return rows;
    });
    return { outboxRows: answers.get(first.participant) ?? 0, silent };
  }

  /** Tells the bus of an end by hand; of what nobody has begun, nothing but an abort is known. */
  function told(record: TransactionRecord, call: Context, close: () => Promise<boolean>): Promise<boolean> {
    if (record.name === "") return close();
    const telling = call.with({ timeoutMs: node.options.driveTimeoutMs });
    return node.ends.closed(endOfRecord(record), record.strategy, telling, close);
  }

  async function closeAll(record: TransactionRecord, who: Who, call: Context) {
    const { gid } = record;
    const note = `closed by ${who.by}: ${who.reason}`;
    let taken: Taken = { outboxRows: 0, silent: [] };
    const closed = await each([gid], "close", who, async () => {
      if (inOutbox(record.strategy)) await coordinator().note(gid, { heuristic: note });
      taken = await releaseAll(record, call);
      const close = () => coordinator().close(gid, note);
      if ((await told(record, call, close)) || (await isNoted(gid, note))) return;
      throw notNow("HAS_ENDED", `the transaction ${gid} has ended meanwhile`);
    });
    return { ...closed, ...taken };
  }

  return {
    async close({ branch, ...request }, call) {
      const who = whoOf(request, call);
      const { gid } = request;
      if (who.reason === "") throw invalid("closing by hand needs a reason, which is kept with it");
      const record = await existing(gid, call);
      if (hasEnded(record.status))
        throw notNow("HAS_ENDED", `the transaction ${gid} has ended: it is ${record.status}`);
      if (record.status === "active")
        throw notNow("UNDECIDED", `the transaction ${gid} is undecided; force commit or abort, and close it then`);
      return branch === "" ? closeAll(record, who, call) : closeBranch(record, branch, who, call);
    },
  };
}
