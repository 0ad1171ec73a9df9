import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import type { Acted, ForceRequest, TransactionAdmin } from "../../contract/transaction/admin.ts";
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
  async function meant({ gid, name, strategy }: Meant, others: readonly string[] = []): Promise<readonly string[]> {
    if ((gid === "") === (name === "" && strategy === ""))
      throw invalid("name one transaction by its gid, or all by their name or strategy, and not both");
    if (gid !== "") {
      const { status } = await existing(gid);
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

  return {
    async retry(request, call) {
      const who = whoOf(request, call);
      const elsewhere = request.gid === "" ? await kept(request, call) : nothingKept;
      const others = elsewhere.summaries.map(({ gid }) => gid);
      const gids = (await unrecorded(request, call)) ? [request.gid] : await meant(request, others);
      const silent: Silent[] = [...elsewhere.silent];
      const paused: string[] = [];
      let outboxRows = 0;
      const done = await each(gids, "retry", who, async (gid) => {
        const record = await wake(gid);
        if (record?.paused) paused.push(gid);
        const [first] = record?.branches ?? [];
        const holders = first ? [first.participant] : knownParticipants();
        const woken = await askAll(holders, (name) => participant(name).wake({ gid }, call));
        silent.push(...woken.silent);
        for (const { rows } of woken.answers.values()) outboxRows += rows;
      });
      return { ...done, outboxRows, silent, paused };
    },

    async pause(request, call) {
      return each(await meant(request), "pause", whoOf(request, call), (gid) => coordinator().pause(gid, true));
    },

    async resume(request, call) {
      return each(await meant(request), "resume", whoOf(request, call), async (gid) => {
        await coordinator().pause(gid, false);
        await wake(gid);
      });
    },

    async force(request, call) {
      const who = whoOf(request, call);
      const record = await existing(request.gid);
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
