import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import { redact } from "../../contract/json/redact.ts";
import type { Acted, ForceRequest } from "../../contract/transaction/admin.ts";
import { TransactionAdmin } from "../../contract/transaction/admin.ts";
import type { participantService, SweepRequest } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Coordinator, TransactionRecord } from "../../spi/coordinator.ts";
import type { Client } from "../../spi/runtime.ts";
import type { Handlers, Offer } from "../../spi/service.ts";
import { hasEnded } from "../../spi/transaction-record.ts";
import { type Keeping, keptInOutboxes, nothingKept } from "./admin-kept.ts";
import { checkMeant } from "./admin-known.ts";
import { counted, listed } from "./admin-list.ts";
import { reconcile } from "./admin-reconcile.ts";
import { sweepAll } from "./admin-sweep.ts";
import { branchesIn, type Event, eventsOf, filterOf, type Knowledge, summaryOf } from "./admin-view.ts";
import { askAll, type Silent } from "./ask-all.ts";
import { branchesOf } from "./branches.ts";
import { endOfRecord } from "./ends.ts";
import { forceDecision } from "./force.ts";
import type { TransactionNode } from "./node.ts";
import { begunElsewhere, invalid, noBranch, noTransaction, notNow } from "./refusals.ts";

export interface AdminSetup {
  readonly node: TransactionNode;
  readonly participant: (name: string) => Client<ReturnType<typeof participantService>>;
}

/** What people may do about transactions, as a service of this process. */
export function adminOffer(setup: AdminSetup): Offer {
  return { service: TransactionAdmin, handlers: handlersOf(setup) as unknown as Offer["handlers"] };
}

function handlersOf({ node, participant }: AdminSetup): Handlers<typeof TransactionAdmin> {
  const { ports } = node;
  const coordinator = (): Coordinator => node.coordinator();

  /** Participants of all transactions that are begun here. */
  const knownParticipants = (): string[] =>
    namesOf([...node.initiated.values()].flatMap((one) => [...branchesOf(one).main, ...branchesOf(one).later]));

  /** Participants whose outboxes may keep transactions of a name and strategy, or any. */
  const keepers: Keeping["keepers"] = (name, strategy) => {
    if (node.strategy(strategy)?.facts.ownFirst === false) return [];
    const meant = [...node.initiated.values()].filter((one) => name === "" || one.name === name);
    return namesOf(meant.flatMap((one) => branchesOf(one).main.slice(0, 1)));
  };

  const keeping = (call: Context): Keeping => {
    const asking = call.with({ timeoutMs: node.options.driveTimeoutMs });
    const outboxOf: Keeping["outboxOf"] = (name, query) => participant(name).outbox(query, asking);
    return { coordinator: coordinator(), keepers, outboxOf, options: node.options, now: ports.clock.wall() };
  };

  /** Open transactions of which only outboxes tell. */
  const kept = (query: Pick<Meant, "name" | "strategy">, most: number, call: Context) =>
    keptInOutboxes({ gid: "", olderThanMs: 0n, ...query }, most, keeping(call));

  async function viewOf(gid: string, call: Context) {
    const record = await coordinator().get(gid);
    const names = record && record.name !== "" ? namesOf(record.branches) : knownParticipants();
    const asking = call.with({ timeoutMs: node.options.driveTimeoutMs });
    const { answers, silent } = await askAll(names, (name) => participant(name).inspect({ gid }, asking));
    const known: Knowledge = answers;
    const branches = branchesIn(record, known);
    const events = eventsOf(gid, record, branches, await coordinator().audits(gid));
    const waits = !record && branches.some(({ outbox }) => outbox);
    const [only] = waits ? (await keptInOutboxes({ ...everything, gid }, 1, keeping(call))).summaries : [];
    return { record, summary: record ? summaryOf(record, ports.clock.wall()) : only, branches, events, silent };
  }

  async function existing(gid: string): Promise<TransactionRecord> {
    const record = await coordinator().get(gid);
    if (!record) throw noTransaction(gid);
    return record;
  }

  /** Notes the act before it is done; one that does not succeed is noted as well. */
  async function audited<T>(gid: string, action: string, who: Who, work: () => Promise<T>): Promise<T> {
    await coordinator().audit({ gid, action, ...who });
    try {
      return await work();
    } catch (error) {
      const { message } = asStatusError(error);
      await coordinator().audit({ gid, action: `${action} failed`, by: who.by, reason: message });
      throw error;
    }
  }

  /** The open transactions that are meant: one, or all of a name or strategy, and others that are known to be. */
  async function meant({ gid, name, strategy }: Meant, others: readonly string[] = []): Promise<readonly string[]> {
    if ((gid === "") === (name === "" && strategy === ""))
      throw invalid("name one transaction by its gid, or all by their name or strategy, and not both");
    if (gid !== "") {
      const { status } = await existing(gid);
      if (hasEnded(status)) throw notNow("HAS_ENDED", `the transaction ${gid} has ended: it is ${status}`);
      return [gid];
    }
    const query = { name, strategy, statuses: [], stuck: false, olderThanMs: 0n, limit: 10_000, open: true };
    const found = (await coordinator().find(filterOf(query))).map((record) => record.gid);
    const all = [...new Set([...found, ...others])];
    if (all.length === 0) await checkMeant(node, { name, strategy }, "open ");
    return all;
  }

  /** Whether only participants know the one that is meant. */
  async function unrecorded({ gid }: Meant, call: Context): Promise<boolean> {
    if (gid === "" || (await coordinator().get(gid))) return false;
    const { branches } = await viewOf(gid, call);
    if (branches.length === 0) throw noTransaction(gid);
    return true;
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
      if (node.strategy(strategy)?.facts.ownFirst)
        outboxRows = (await participant(first.participant).release({ gid, branch: id }, call)).rows;
      if (!(await coordinator().close(gid, note, id)))
        throw notNow("BRANCH_IS_DONE", `the branch ${id} of ${gid} is done meanwhile`);
      await wake(gid);
    });
    return { ...closed, outboxRows };
  }

  /** Takes all of a transaction out of the outbox of its first participant, which else would go on handing it on. */
  async function releaseAll({ gid, strategy, branches, done }: TransactionRecord, call: Context) {
    const [first] = branches;
    if (!first || !node.strategy(strategy)?.facts.ownFirst) return { outboxRows: 0, silent: [] };
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

  /** Makes it due, and has it driven at once by whoever can. */
  async function wake(gid: string): Promise<TransactionRecord | undefined> {
    await coordinator().wake(gid);
    const record = await coordinator().get(gid);
    if (record && record.name !== "") await node.due([record.name]);
    return record;
  }

  async function each(gids: readonly string[], action: string, who: Who, act: (gid: string) => Promise<unknown>) {
    for (const gid of gids) await audited(gid, action, who, () => act(gid));
    return { gids: [...gids], outboxRows: 0, silent: [] };
  }

  return {
    list: (query, call) => listed(query, node, keeping(call)),

    async show({ gid }, call) {
      const { summary, branches, events, silent } = await viewOf(gid, call);
      if (!summary && branches.length === 0 && events.length === 0) throw noTransaction(gid);
      return { ...(summary && { summary }), branches, events, silent };
    },

    async input({ gid }) {
      const { name, version, input } = await existing(gid);
      const transaction = node.initiated.get(name);
      if (!transaction) throw begunElsewhere(name);
      const { input: type } = transaction;
      return { name, version, json: JSON.stringify(redact(type, codecOf(type).decode(input))) };
    },

    counts: (_, call) => counted(keeping(call)),

    async export({ gids }, call) {
      if (gids.length > 100) throw invalid(`${gids.length} transactions at once; at most 100`);
      const events: Event[] = [];
      const silent = new Map<string, Silent>();
      for (const gid of gids) {
        const view = await viewOf(gid, call);
        events.push(...view.events);
        for (const one of view.silent) silent.set(one.participant, one);
      }
      return { events, silent: [...silent.values()] };
    },

    async retry(request, call) {
      const who = whoOf(request, call);
      const elsewhere = request.gid === "" ? await kept(request, Infinity, call) : nothingKept;
      const others = elsewhere.summaries.map(({ gid }) => gid);
      const gids = (await unrecorded(request, call)) ? [request.gid] : await meant(request, others);
      const silent: Silent[] = [...elsewhere.silent];
      let outboxRows = 0;
      const done = await each(gids, "retry", who, async (gid) => {
        const [first] = (await wake(gid))?.branches ?? [];
        const holders = first ? [first.participant] : knownParticipants();
        const woken = await askAll(holders, (name) => participant(name).wake({ gid }, call));
        silent.push(...woken.silent);
        for (const { rows } of woken.answers.values()) outboxRows += rows;
      });
      return { ...done, outboxRows, silent };
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

    async close({ branch, ...request }, call) {
      const who = whoOf(request, call);
      const { gid } = request;
      if (who.reason === "") throw invalid("closing by hand needs a reason, which is kept with it");
      const record = await existing(gid);
      if (hasEnded(record.status))
        throw notNow("HAS_ENDED", `the transaction ${gid} has ended: it is ${record.status}`);
      if (record.status === "active")
        throw notNow("UNDECIDED", `the transaction ${gid} is undecided; force commit or abort, and close it then`);
      if (branch !== "") return closeBranch(record, branch, who, call);
      let taken: Pick<Infer<typeof Acted>, "outboxRows" | "silent"> = { outboxRows: 0, silent: [] };
      const closed = await each([gid], "close", who, async () => {
        taken = await releaseAll(record, call);
        const close = () => coordinator().close(gid, `closed by ${who.by}: ${who.reason}`);
        if (await told(record, call, close)) return;
        throw notNow("HAS_ENDED", `the transaction ${gid} has ended meanwhile`);
      });
      return { ...closed, ...taken };
    },

    reconcile: (request, call) =>
      reconcile(request, {
        coordinator: coordinator(),
        fencesOf: (name, gids) => participant(name).fences({ gids: [...gids] }, call),
      }),

    async sweep({ participant: only, by, reason, ...how }, call) {
      const who = how.end ? whoOf({ by, reason }, call) : undefined;
      const names = only === "" ? knownParticipants() : [only];
      const sweepAt = (name: string, request: Infer<typeof SweepRequest>) => participant(name).sweep(request, call);
      return sweepAll(names, how, who, { coordinator: coordinator(), sweepAt });
    },
  };
}

const everything = { name: "", strategy: "", olderThanMs: 0n };

interface Who {
  readonly by: string;
  readonly reason: string;
}

interface Meant {
  readonly gid: string;
  readonly name: string;
  readonly strategy: string;
}

/** Whoever was authenticated is noted, and whoever they say they are. Throws INVALID_ARGUMENT where nobody is named. */
function whoOf({ by, reason }: Who, { caller }: Context): Who {
  const named = [caller?.name, by].filter((name) => name !== undefined && name !== "");
  if (named.length === 0) throw invalid("say who acts (by): it is noted with the act");
  return { by: [...new Set(named)].join(" as "), reason: reason.trim() };
}

function decisionIn({ outcome }: Infer<typeof ForceRequest>) {
  if (outcome === "commit") return "committing";
  if (outcome === "abort") return "aborting";
  throw invalid(`"${outcome}" is no outcome; commit or abort`);
}

function namesOf(branches: readonly { readonly participant: string }[]): string[] {
  return [...new Set(branches.map(({ participant }) => participant))];
}
