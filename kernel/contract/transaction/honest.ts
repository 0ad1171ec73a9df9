import type {
  BeforePivot,
  BeyondPivot,
  FactsOf,
  FirstBranch,
  GroupsOf,
  LateSteps,
  MainSteps,
  NameIn,
  StepsOf,
  Twice,
} from "./branch-types.ts";
import type { Strategies, StrategyFacts } from "./strategy.ts";
import type { AnyTransaction, Isolation, ReplyNeed, Steps } from "./transaction.ts";

/**
 * Why a strategy would be dishonest about a transaction, one text per reason; `never` if it would not be. It knows what the
 * plan alone tells; what depends on the configuration and on other processes is checked when an app is loaded and starts.
 */
export type StrategyProblem<T extends AnyTransaction, N extends string> =
  string extends NameIn<StepsOf<T>>
    ? never // its types are erased
    : N extends keyof Strategies
      ? Problem<N, T["needs"], StepsOf<T>, GroupsOf<T>, Strategies[N]>
      : `DTX001 ${N}: there is no such strategy`;

/** The strategies among those that types know which are honest about a transaction, as far as its plan tells. */
export type HonestStrategy<T extends AnyTransaction> = {
  readonly [N in keyof Strategies]: [StrategyProblem<T, N>] extends [never] ? N : never;
}[keyof Strategies];

/** What no strategy name is, so that the type error shows the reason. */
export interface Dishonest<Reason extends string> {
  readonly dishonest: Reason;
}

type Checked<T extends AnyTransaction, N extends string> = [StrategyProblem<T, N>] extends [infer Reason extends string]
  ? [Reason] extends [never]
    ? unknown
    : Dishonest<{ [K in Reason]: K }[Reason]> // spelt out, for the error to show it
  : never;

/**
 * Gives the name of a strategy back if it would be honest about the transaction, and is a type error that says why if not:
 * `honest(placeOrder, "tcc")` beside a transaction keeps it fit for what it is configured with.
 */
export function honest<T extends AnyTransaction, const N extends string>(_: T, strategy: N & Checked<T, N>): N {
  return strategy;
}

type Problem<N extends string, Needs, S extends Steps, G, F extends StrategyFacts> =
  | (F["needsUndo"] extends true ? NoUndo<N, S, Extract<NameIn<S>, BeforePivot<S, G>>> : never)
  | (F["external"] extends false ? OutsideOf<N, S, MainSteps<S>> : never)
  | (F["long"] extends false ? Long<N, S, MainSteps<S>> : never)
  | (F["rejects"] extends "before-pivot" ? Refusable<N, S, Extract<NameIn<S>, BeyondPivot<S, G>>> : never)
  | (F["rejects"] extends "first-branch" ? Forwarded<N, S, Names<FirstBranch<G>>> : never)
  | Isolated<N, Needs, F["isolation"]>
  | Answered<N, Needs, F["reply"]>
  | (F["mayDrop"] extends true ? Lost<N, S, Exclude<NameIn<S>, Names<FirstBranch<G>>>> : never)
  | (F["prepares"] extends true ? Blocked<N, Twice<G>> : never)
  | RefusableLate<N, S>
  | (F["oneBranch"] extends true ? Apart<N, Exclude<NameIn<S>, Names<FirstBranch<G>>>> : never);

type Names<T> = Extract<T, string>;

type NoUndo<N extends string, S extends Steps, K extends NameIn<S>> =
  K extends NameIn<S>
    ? [FactsOf<S, K>["undo"]] extends [false]
      ? `DTX002 ${N}: step '${K}' has no undo`
      : never
    : never;

type OutsideOf<N extends string, S extends Steps, K extends NameIn<S>> =
  K extends NameIn<S>
    ? FactsOf<S, K>["acts"] extends "external"
      ? `DTX003 ${N}: step '${K}' acts outside the database`
      : never
    : never;

type Long<N extends string, S extends Steps, K extends NameIn<S>> =
  K extends NameIn<S>
    ? [FactsOf<S, K>["long"]] extends [true]
      ? `DTX003 ${N}: step '${K}' takes long`
      : never
    : never;

type Refusable<N extends string, S extends Steps, K extends NameIn<S>> =
  K extends NameIn<S>
    ? FactsOf<S, K>["rejects"] extends readonly [string, ...string[]]
      ? `DTX004 ${N}: step '${K}' may be refused when there is no way back`
      : never
    : never;

/** What is sent along with the first branch: it runs later, elsewhere, and nobody waits for its answer. */
type Forwarded<N extends string, S extends Steps, First extends string> =
  | OutsideOf<N, S, Extract<NameIn<S>, First>>
  | Refusable<N, S, Exclude<MainSteps<S>, First>>
  | {
      readonly [K in Exclude<NameIn<S>, First>]: Unanswered<N, K, Exclude<S[K]["uses"][number], First>>;
    }[Exclude<NameIn<S>, First>];

type Unanswered<N extends string, K extends string, U extends string> = U extends string
  ? `DTX017 ${N}: step '${K}' uses the output of step '${U}', which does not come back`
  : never;

interface Weaker {
  readonly full: "locked" | "reserved" | "none";
  readonly locked: "reserved" | "none";
  readonly reserved: "none";
  readonly none: never;
}

type Isolated<N extends string, Needs, Given extends Isolation> = Needs extends {
  readonly isolation: infer Need extends Isolation;
}
  ? Given extends Weaker[Need]
    ? `DTX005 ${N}: isolation is '${Given}' where '${Need}' is needed`
    : never
  : never;

type Answered<N extends string, Needs, Given extends ReplyNeed> = [Needs, Given] extends [
  { readonly reply: "final" },
  "accepted",
]
  ? `DTX006 ${N}: it answers before the outcome is final`
  : never;

type Lost<N extends string, S extends Steps, K extends NameIn<S>> =
  K extends NameIn<S>
    ? S[K]["facts"]["droppable"] extends false
      ? `DTX007 ${N}: step '${K}' may be lost and is not droppable`
      : never
    : never;

type Blocked<N extends string, P extends string> = P extends string
  ? `DTX015 ${N}: two branches of '${P}' may wait for each other`
  : never;

type RefusableLate<N extends string, S extends Steps> = {
  readonly [K in LateSteps<S>]: FactsOf<S, K>["rejects"] extends readonly [string, ...string[]]
    ? `DTX016 ${N}: step '${K}' may be refused after the commit`
    : never;
}[LateSteps<S>];

type Apart<N extends string, K extends string> = K extends string
  ? `DTX018 ${N}: step '${K}' is in another database transaction than the first`
  : never;
