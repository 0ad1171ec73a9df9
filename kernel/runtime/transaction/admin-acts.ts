import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import type { Acted, ActRequest, ForceRequest, TransactionAdmin } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import type { TransactionFilter, TransactionRecord } from "../../spi/coordinator.ts";
import type { Handlers } from "../../spi/service.ts";
import { beforeAll, hasEnded } from "../../spi/transaction-record.ts";
import { nothingKept } from "./admin-kept.ts";
import { checkMeant } from "./admin-known.ts";
import type { AdminSetup, Sight } from "./admin-sight.ts";
import { filterOf } from "./admin-view.ts";
import { askAll, type Silent } from "./ask-all.ts";
import { forceDecision } from "./force.ts";
import { invalid, noTransaction, notNow } from "./refusals.ts";

/** Who acts, and why. */
export interface Who {
  readonly by: string;
  readonly reason: string;
}

/** One transaction, or all of a name or strategy. */
interface Meant {
  readonly gid: string;
  readonly name: string;
  readonly strategy: string;
}

/** Asks whoever may have something of a transaction in an outbox. Gives how many rows that was done to. */
type InOutboxes = (
  record: TransactionRecord | undefined,
  ask: (holder: ReturnType<AdminSetup["participant"]>) => Promise<{ readonly rows: number }>,
) => Promise<number>;

/** What all that is done by hand has in common. */
export interface Acting {
  /** Notes the act before it is done; one that does not succeed is noted as well. */
  audited<T>(gid: string, action: string, who: Who, work: () => Promise<T>): Promise<T>;
  /** The same for each of many, one after the other. */
  each(
    gids: readonly string[],
    action: string,
    who: Who,
    act: (gid: string) => Promise<unknown>,
  ): Promise<Infer<typeof Acted>>;
  /** Makes it due, and has it driven at once by whoever can. */
  wake(gid: string): Promise<TransactionRecord | undefined>;
}

export function actingOn({ node }: AdminSetup): Acting {
  async function audited<T>(gid: string, action: string, who: Who, work: () => Promise<T>): Promise<T> {
    await node.coordinator().audit({ gid, action, ...who });
    try {
      return await work();
    } catch (error) {
      const { message } = asStatusError(error);
      await node.coordinator().audit({ gid, action: `${action} failed`, by: who.by, reason: message });
      throw error;
    }
  }

  return {
    audited,

    async each(gids, action, who, act) {
      for (const gid of gids) await audited(gid, action, who, () => act(gid));
      return { gids: [...gids], outboxRows: 0, silent: [], paused: [] };
    },

    async wake(gid) {
      await node.coordinator().wake(gid);
      const record = await node.coordinator().get(gid);
      if (record && record.name !== "") await node.due([record.name]);
      return record;
    },
  };
}

/** Records of one question to the coordinator. */
const pageSize = 1_000;

type Acts = Pick<Handlers<typeof TransactionAdmin>, "retry" | "pause" | "resume" | "force">;

/** What people do about transactions that have not ended, whatever they wait for. */
export function adminActs({ node, participant }: AdminSetup, sight: Sight, { audited, each, wake }: Acting): Acts {
  const { coordinator, existing, knownParticipants, kept, viewOf } = sight;

  /** The open transactions that are meant, and others that are known to be. */
  async function meant(
    { gid, name, strategy }: Meant,
    call: Context,
    others: readonly string[] = [],
  ): Promise<readonly string[]> {
    if ((gid === "") === (name === "" && strategy === ""))
      throw invalid("name one transaction by its gid, or all by their name or strategy, and not both");
    if (gid !== "") {
      const { status } = await existing(gid, call);
      if (hasEnded(status)) throw notNow("HAS_ENDED", `the transaction ${gid} has ended: it is ${status}`);
      return [gid];
    }
    const query = { name, strategy, statuses: [], stuck: false, olderThanMs: 0n, limit: pageSize, open: true };
    const all = [...new Set([...(await found(filterOf(query))), ...others])];
    if (all.length === 0) await checkMeant(node, { name, strategy }, "open ");
    return all;
  }

  /** All that fit, page by page, so that no act stops halfway without saying so. */
  async function found(filter: TransactionFilter): Promise<readonly string[]> {
    const gids: string[] = [];
    for (;;) {
      const page = await coordinator().find({ ...filter, after: gids.at(-1) ?? beforeAll });
      gids.push(...page.map(({ gid }) => gid));
      if (page.length < pageSize) return gids;
    }
  }

  /** Whether only participants know the one that is meant. */
  async function unrecorded({ gid }: Meant, call: Context): Promise<boolean> {
    if (gid === "" || (await coordinator().get(gid))) return false;
    const { branches } = await viewOf(gid, call);
    if (branches.length === 0) throw noTransaction(gid);
    return true;
  }

  /** Acts on all that are meant, wherever they are kept. Gives how many rows of outboxes that was done to, and who did not answer. */
  async function onAll(
    request: Infer<typeof ActRequest>,
    call: Context,
    action: string,
    act: (gid: string, inOutboxes: InOutboxes) => Promise<unknown>,
  ): Promise<Infer<typeof Acted>> {
    const elsewhere = request.gid === "" ? await kept(request, call) : nothingKept;
    const others = elsewhere.summaries.map(({ gid }) => gid);
    const gids = (await unrecorded(request, call)) ? [request.gid] : await meant(request, call, others);
    const who = whoOf(request, call);
    const silent: Silent[] = [...elsewhere.silent];
    let outboxRows = 0;
    const inOutboxes: InOutboxes = async (record, ask) => {
      const asked = await askAll(holdersOf(record), (name) => ask(participant(name)));
      silent.push(...asked.silent);
      const rows = [...asked.answers.values()].reduce((sum, one) => sum + one.rows, 0);
      outboxRows += rows;
      return rows;
    };
    const done = await each(gids, action, who, (gid) => act(gid, inOutboxes));
    return { ...done, outboxRows, silent };
  }

  /** Who may have something of it in an outbox. */
  function holdersOf(record: TransactionRecord | undefined): readonly string[] {
    const [first] = record?.branches ?? [];
    if (!record || !first) return knownParticipants();
    return node.strategy(record.strategy)?.facts.ownFirst === false ? [] : [first.participant];
  }

  return {
    async retry(request, call) {
      const paused: string[] = [];
      const done = await onAll(request, call, "retry", async (gid, inOutboxes) => {
        const record = await wake(gid);
        if (record?.paused) paused.push(gid);
        await inOutboxes(record, (one) => one.wake({ gid }, call));
      });
      return { ...done, paused };
    },

    async pause(request, call) {
      const done = await onAll(request, call, "pause", async (gid, inOutboxes) => {
        const record = await coordinator().get(gid);
        // What only an outbox keeps has a record after that.
        await inOutboxes(record, (one) => one.pause({ gid, paused: true }, call));
        if (!(await coordinator().pause(gid, true))) await existing(gid, call);
      });
      return { ...done, outboxRows: 0 }; // none of them is due
    },

    async resume(request, call) {
      return onAll(request, call, "resume", async (gid, inOutboxes) => {
        await coordinator().pause(gid, false);
        const record = await wake(gid);
        const rows = await inOutboxes(record, (one) => one.pause({ gid, paused: false }, call));
        if (rows === 0) await existing(gid, call);
      });
    },

    async force(request, call) {
      const who = whoOf(request, call);
      const record = await existing(request.gid, call);
      const decision = forceDecision(node, record, decisionIn(request), call);
      const status = await audited(request.gid, `force ${request.outcome}`, who, decision);
      await wake(request.gid);
      return { status };
    },
  };
}

/** Whoever was authenticated is noted, and whoever they say they are. Throws INVALID_ARGUMENT where nobody is named. */
export function whoOf({ by, reason }: Who, { caller }: Context): Who {
  const named = [caller?.name, by].filter((name) => name !== undefined && name !== "");
  if (named.length === 0) throw invalid("say who acts (by): it is noted with the act");
  return { by: [...new Set(named)].join(" as "), reason: reason.trim() };
}

function decisionIn({ outcome }: Infer<typeof ForceRequest>) {
  if (outcome === "commit") return "committing";
  if (outcome === "abort") return "aborting";
  throw invalid(`"${outcome}" is no outcome; commit or abort`);
}
