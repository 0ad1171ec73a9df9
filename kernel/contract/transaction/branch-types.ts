import type { OperationType } from "./operation.ts";
import type { Steps, StepType, TransactionType } from "./transaction.ts";

// What the runtime finds when it puts steps into branches (`branchesOf`), found by the type checker from the same plan.

export type StepsOf<T> = T extends { readonly steps: infer S extends Steps } ? S : never;
export type NameIn<S> = keyof S & string;
export type FactsOf<S extends Steps, K extends NameIn<S>> = S[K]["operation"]["facts"];
type OrderOf<T> =
  T extends TransactionType<infer _I, infer _S, infer _N, infer Order extends readonly string[]> ? Order : readonly [];

/** Steps that run after the commit. */
export type LateSteps<S extends Steps> = {
  readonly [K in NameIn<S>]: S[K]["facts"]["afterCommit"] extends true ? K : never;
}[NameIn<S>];

/** Steps that decide the outcome. */
export type MainSteps<S extends Steps> = Exclude<NameIn<S>, LateSteps<S>>;

type Pivot<S extends Steps> = {
  readonly [K in NameIn<S>]: S[K]["facts"]["pivot"] extends true ? K : never;
}[NameIn<S>];

interface Group {
  readonly participant: string;
  readonly names: string;
  readonly after: string;
  readonly alone: boolean;
}

type Alone<Op extends OperationType> = Op["facts"]["acts"] extends "external"
  ? true
  : Op["facts"]["long"] extends true
    ? true
    : false;

/** The main branches of a transaction, in the order in which they arise. */
export type GroupsOf<T> = Merged<StepsOf<T>, OrderOf<T>>;

type Merged<S extends Steps, Order, Groups extends readonly Group[] = readonly []> = Order extends readonly [
  infer K extends NameIn<S>,
  ...infer Rest,
]
  ? Merged<S, Rest, K extends LateSteps<S> ? Groups : Put<S[K], K, Groups, Groups>>
  : Groups;

type Put<
  Step extends StepType,
  K extends string,
  Rest,
  All extends readonly Group[],
  Before extends readonly Group[] = readonly [],
> = Rest extends readonly [infer G extends Group, ...infer More extends readonly Group[]]
  ? Joins<Step, G, All[number]> extends true
    ? readonly [...Before, Joined<G, Step, K>, ...More]
    : Put<Step, K, More, All, readonly [...Before, G]>
  : readonly [...Before, Alike<Step, K>];

interface Joined<G extends Group, Step extends StepType, K extends string> {
  readonly participant: G["participant"];
  readonly names: G["names"] | K;
  readonly after: G["after"] | Step["after"][number];
  readonly alone: G["alone"];
}

interface Alike<Step extends StepType, K extends string> {
  readonly participant: Step["operation"]["participant"];
  readonly names: K;
  readonly after: Step["after"][number];
  readonly alone: Alone<Step["operation"]>;
}

type Joins<Step extends StepType, G extends Group, All extends Group> = [
  Step["operation"]["participant"],
  G["participant"],
] extends [G["participant"], Step["operation"]["participant"]]
  ? [Alone<Step["operation"]> | G["alone"], Step["uses"][number] & G["names"]] extends [false, never]
    ? [Reach<Exclude<Step["after"][number], G["names"]>, All> & G["names"]] extends [never]
      ? true
      : false
    : false
  : false;

/** The steps of the groups that hold these steps, and of those they wait for. */
type Reach<Names extends string, All extends Group, Found extends string = never> = [Exclude<Names, Found>] extends [
  never,
]
  ? Found
  : Reach<BeyondGroup<Holding<All, Exclude<Names, Found>>>, All, Found | Holding<All, Names>["names"]>;

type Holding<G extends Group, Names extends string> = G extends Group
  ? [G["names"] & Names] extends [never]
    ? never
    : G
  : never;

type BeyondGroup<G extends Group> = G extends Group ? Exclude<G["after"], G["names"]> : never;

/** The steps of the branch that comes first: the first that waits for no other. */
export type FirstBranch<Groups, All = Groups> = Groups extends readonly [infer G extends Group, ...infer Rest]
  ? [BeyondGroup<G>] extends [never]
    ? G["names"]
    : FirstBranch<Rest, All>
  : All extends readonly [infer G extends Group, ...infer _]
    ? G["names"]
    : string;

type PivotBranch<S extends Steps, G extends Group> = Holding<G, Pivot<S>>["names"];

/** The steps of these branches, and of all that wait for one of them. */
type Behind<All extends Group, Found extends string> = [Exclude<WaitingFor<All, Found>, Found>] extends [never]
  ? Found
  : Behind<All, Found | WaitingFor<All, Found>>;

type WaitingFor<G extends Group, Found extends string> = G extends Group
  ? [BeyondGroup<G> & Found] extends [never]
    ? never
    : G["names"]
  : never;

type InAll<Groups> = Groups extends readonly Group[] ? Groups[number] : never;

/** Steps whose branch waits for that of the pivot. */
export type BeyondPivot<S extends Steps, Groups> = Exclude<
  Behind<InAll<Groups>, PivotBranch<S, InAll<Groups>>>,
  PivotBranch<S, InAll<Groups>>
>;

/** Steps that may be done when there is still a way back. */
export type BeforePivot<S extends Steps, Groups> = Exclude<
  MainSteps<S>,
  PivotBranch<S, InAll<Groups>> | BeyondPivot<S, Groups>
>;

/** Participants with more than one main branch. */
export type Twice<Groups, Seen extends string = never> = Groups extends readonly [infer G extends Group, ...infer Rest]
  ? (G["participant"] extends Seen ? G["participant"] : never) | Twice<Rest, Seen | G["participant"]>
  : never;
