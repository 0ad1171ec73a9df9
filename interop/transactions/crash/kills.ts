import type { WorldTransaction } from "../world/contract.ts";
import type { Role } from "../world/world.ts";

/** A process that kills itself at a numbered point, and what must come of the transaction that brought it there. */
export interface Kill {
  readonly strategy: string;
  /** The order to the process, for example `T11:2=kill`. */
  readonly order: string;
  /** `owns`: whichever of them comes there first. */
  readonly role: Role | "owns";
  readonly what: string;
  /** `nothing`: nothing was begun, and whoever asks again has it done. `either`: both outcomes are right. */
  readonly then: "committed" | "aborted" | "nothing" | "either";
  /** Default: one that the strategy may drive and that can be done. */
  readonly transaction?: WorldTransaction;
  /** Who pays; `dave` has nothing at the first bank. */
  readonly from?: "alice" | "dave";
}

type Row = readonly [order: string, role: Kill["role"], what: string, then: Kill["then"], more?: Partial<Kill>];

function under(strategy: string, rows: readonly Row[]): readonly Kill[] {
  return rows.map(([order, role, what, then, more]) => ({
    strategy,
    order: `${order}=kill`,
    role,
    what,
    then,
    ...more,
  }));
}

const refused = { transaction: "collect", from: "dave" } as const;

/** The tables of crash points: every one at which a process can die. */
export const kills: readonly Kill[] = [
  ...under("xa", [
    ["X1", "own1", "before its begin is durable", "nothing"],
    ["X2", "own1", "after the begin, before anything is prepared", "aborted"],
    ["X2:3", "own1", "between two prepares", "aborted"],
    ["X3", "second", "a participant before it prepares", "either"],
    ["X4", "second", "a participant that has prepared, before its vote", "either"],
    ["X5", "own1", "after all votes, before the decision", "aborted"],
    ["X6", "own1", "when the decision is durable and nobody knows", "committed"],
    ["X7", "own1", "after the decision, before the second phase", "committed"],
    ["X7:3", "own1", "within the second phase", "committed"],
    ["X7:2", "own1", "within a second phase that takes back", "aborted", refused],
    ["X8", "second", "a participant that has committed, before its answer", "committed"],
  ]),
  ...under("3pc", [
    ["P1", "own1", "before the first pre-vote", "nothing"],
    ["P1:2", "own1", "between two pre-votes", "nothing"],
    ["P2", "own1", "after the pre-vote, before anything is locked", "nothing"],
    ["P3", "own1", "after all votes, before the decision", "aborted"],
    ["X3", "fourth", "a participant before it prepares", "either"],
    ["X7", "own1", "after the decision, before the second phase", "committed"],
    ["X8", "fourth", "a participant that has committed, before its answer", "committed"],
  ]),
  ...under("tcc", [
    ["T1", "own1", "before its begin is durable", "nothing"],
    ["T2", "own1", "after the begin, before anything is reserved", "aborted"],
    ["T2:3", "own1", "between two reserves", "aborted"],
    ["T3", "second", "a participant that has reserved, before its answer", "either"],
    ["T4", "second", "a participant before it reserves", "either"],
    ["T5", "second", "a participant within a reserve", "either"],
    ["T6", "own1", "after a refusal decided it", "aborted", refused],
    ["T6:3", "own1", "between two cancels", "aborted", refused],
    ["T7", "own1", "after all reserves, before the decision", "aborted"],
    ["T8", "own1", "when the decision is durable and nobody knows", "committed"],
    ["T9", "own1", "after the decision, before anything is confirmed", "committed"],
    ["T9:3", "own1", "between two confirms", "committed"],
    ["T10", "second", "a participant within a confirm", "committed"],
    ["T11", "second", "a participant that has confirmed, before its answer", "committed"],
  ]),
  ...under("saga", [
    ["S1", "own1", "before its begin is durable", "nothing"],
    ["S2", "own1", "before the first step", "committed"],
    ["S2:2", "own1", "between two steps", "committed"],
    ["S3", "second", "a participant that has done its step, before its answer", "committed"],
    ["S4", "own1", "after a refusal decided it", "aborted", refused],
    ["S5", "second", "a participant before its step", "committed"],
    ["S6", "own1", "before the first undo", "aborted", refused],
    ["S6:3", "own1", "between two undos", "aborted", refused],
    ["S7", "second", "a participant within an undo", "aborted", refused],
    ["S8", "own1", "behind the pivot, before the next step", "committed"],
  ]),
  ...under("outbox", [
    ["O1", "own1", "before the local commit", "nothing"],
    ["O2", "own1", "committed, and nothing published", "committed"],
    ["O3", "owns", "published, and nobody knows", "committed"],
    ["O5", "second", "a consumer before its commit", "committed"],
    ["O6", "second", "a consumer that has committed, before it says so", "committed"],
    ["O10", "owns", "the last message is taken away, and the end not written", "committed"],
  ]),
  ...under("message", [
    ["M1", "own1", "before the half message is durable", "nothing"],
    ["M2", "own1", "announced, and the local transaction never started", "aborted"],
    ["M3", "owns", "within the local transaction", "either"],
    ["M4", "own1", "the local transaction is committed, and nobody says so", "committed"],
    ["M5", "owns", "the local transaction is committed, and nobody knows", "committed"],
    ["M8", "own1", "decided, and nothing delivered", "committed"],
    ["O5", "fourth", "a consumer before its commit", "committed"],
    ["O6", "fourth", "a consumer that has committed, before it says so", "committed"],
  ]),
  ...under("best-effort", [
    ["N1", "own1", "before the local commit", "nothing"],
    ["N2", "own1", "committed, and nobody notified", "committed"],
    ["N3", "second", "a receiver that has done it, before its answer", "committed"],
    ["N5", "owns", "the last notice is taken away, and the end not written", "committed"],
  ]),
];
