import type { Context } from "../../call/context.ts";
import type { participantService } from "../../contract/transaction/participant.ts";
import type { Coordinator, PlannedBranch, TransactionRecord } from "../../spi/coordinator.ts";
import type { Client } from "../../spi/runtime.ts";
import { type Keeping, type KeptInOutboxes, keptInOutboxes } from "./admin-kept.ts";
import { type Branch, branchesIn, type Event, eventsOf, type Summary, summaryOf } from "./admin-view.ts";
import { askAll, type Silent } from "./ask-all.ts";
import { branchesOf } from "./branches.ts";
import type { TransactionNode } from "./node.ts";
import { noTransaction, onlyInOutbox } from "./refusals.ts";

export interface AdminSetup {
  readonly node: TransactionNode;
  readonly participant: (name: string) => Client<ReturnType<typeof participantService>>;
}

/** One transaction, as the coordinator and the participants tell of it. */
export interface Seen {
  readonly summary: Summary | undefined;
  readonly branches: Branch[];
  readonly events: Event[];
  readonly silent: Silent[];
}

/** What people can see of transactions from this process. */
export interface Sight {
  coordinator(): Coordinator;
  /** Participants of all transactions that are begun here. */
  knownParticipants(): string[];
  /** How outboxes are asked on behalf of a call. */
  keeping(call: Context): Keeping;
  /** Open transactions of which only outboxes tell. */
  kept(query: { readonly name: string; readonly strategy: string }, call: Context): Promise<KeptInOutboxes>;
  viewOf(gid: string, call: Context): Promise<Seen>;
  /** Rejects where the coordinator has none: with NOT_FOUND, or saying whose outbox has it so far. */
  existing(gid: string, call: Context): Promise<TransactionRecord>;
}

export function sightOf({ node, participant }: AdminSetup): Sight {
  const { ports } = node;
  const coordinator = (): Coordinator => node.coordinator();

  const knownParticipants = (): string[] =>
    namesOf([...node.initiated.values()].flatMap((one) => [...branchesOf(one).main, ...branchesOf(one).later]));

  /** Participants whose outboxes may keep transactions of a name and strategy, or any. */
  const keepers: Keeping["keepers"] = (name, strategy) => {
    if (node.strategy(strategy)?.facts.ownFirst === false) return [];
    const meant = [...node.initiated.values()].filter((one) => name === "" || one.name === name);
    return namesOf(meant.flatMap((one) => branchesOf(one).main.slice(0, 1)));
  };

  /** The branches of a transaction that is begun here in the same version. */
  const planOf = ({ name, version }: Summary): PlannedBranch[] => {
    const transaction = node.initiated.get(name);
    if (transaction?.version !== version) return [];
    const { main, later } = branchesOf(transaction);
    return [...main, ...later];
  };

  const keeping = (call: Context): Keeping => {
    const asking = call.with({ timeoutMs: node.options.driveTimeoutMs });
    const outboxOf: Keeping["outboxOf"] = (name, query) => participant(name).outbox(query, asking);
    return { coordinator: coordinator(), keepers, outboxOf, options: node.options, now: ports.clock.wall() };
  };

  return {
    coordinator,
    knownParticipants,
    keeping,

    kept: (query, call) => keptInOutboxes({ ...everything, ...query }, Number.POSITIVE_INFINITY, keeping(call)),

    async viewOf(gid, call) {
      const record = await coordinator().get(gid);
      const names = record && record.name !== "" ? namesOf(record.branches) : knownParticipants();
      const asking = call.with({ timeoutMs: node.options.driveTimeoutMs });
      const { answers, silent } = await askAll(names, (name) => participant(name).inspect({ gid }, asking));
      const waits = !record && [...answers.values()].some(({ outbox }) => outbox.length > 0);
      const [only] = waits ? (await keptInOutboxes({ ...everything, gid }, 1, keeping(call))).summaries : [];
      const branches = branchesIn(record, answers, only && planOf(only));
      const events = eventsOf(gid, record, branches, await coordinator().audits(gid));
      return { summary: record ? summaryOf(record, ports.clock.wall()) : only, branches, events, silent };
    },

    async existing(gid, call) {
      const record = await coordinator().get(gid);
      if (record) return record;
      const { summaries, silent } = await keptInOutboxes({ ...everything, gid }, 1, keeping(call));
      const [kept] = summaries;
      throw kept ? onlyInOutbox(gid, kept.keptBy) : noTransaction(gid, silent);
    },
  };
}

const everything = { gid: "", name: "", strategy: "", olderThanMs: 0n };

function namesOf(branches: readonly { readonly participant: string }[]): string[] {
  return [...new Set(branches.map(({ participant }) => participant))];
}
