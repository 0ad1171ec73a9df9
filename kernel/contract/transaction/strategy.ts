import type { Isolation, ReplyNeed } from "./transaction.ts";

/** How its plan must be for a strategy to be honest about it; the rule table reads it. */
export interface StrategyFacts extends Readonly<Record<string, unknown>> {
  readonly isolation: Isolation;
  readonly reply: ReplyNeed;
  /** Whether every step may be refused, only those of the first branch, or those before the pivot. */
  readonly rejects: "all" | "before-pivot" | "first-branch";
  /** Every step that may have to be taken back needs `undo`. */
  readonly needsUndo: boolean;
  /** Branches wait in prepared transactions of PostgreSQL, with rows locked. */
  readonly prepares: boolean;
  /** All steps must be on one participant. */
  readonly oneBranch: boolean;
  /** The process that begins a transaction must perform its first branch. */
  readonly ownFirst: boolean;
  /** Steps beyond the first branch may be lost. */
  readonly mayDrop: boolean;
  readonly external: boolean;
  readonly long: boolean;
  /**
   * Nothing but the coordinator's record makes it final: while that is undecided anybody may abort it, and what is done is
   * only set aside. So a participant that asks after the deadline has it aborted.
   */
  readonly recordDecides: boolean;
  /** In milliseconds; undefined: none. */
  readonly defaultDeadlineMs: number | undefined;
}

const plain = {
  needsUndo: false,
  prepares: false,
  oneBranch: false,
  ownFirst: false,
  mayDrop: false,
  external: true,
  long: true,
  recordDecides: false,
  defaultDeadlineMs: undefined,
} as const;

const twoPhase = {
  ...plain,
  isolation: "locked",
  reply: "final",
  rejects: "all",
  prepares: true,
  external: false,
  long: false,
  recordDecides: true,
  defaultDeadlineMs: 10_000,
} as const;

const messages = { ...plain, isolation: "none", reply: "accepted", rejects: "first-branch" } as const;

/** The facts of the strategies that come with the platform, by name; their plugins and the types read them here. */
export const builtInStrategies = {
  local: { ...plain, isolation: "full", reply: "final", rejects: "all", oneBranch: true, external: false, long: false },
  xa: twoPhase,
  "3pc": twoPhase,
  tcc: {
    ...plain,
    isolation: "reserved",
    reply: "final",
    rejects: "all",
    recordDecides: true,
    defaultDeadlineMs: 30_000,
  },
  saga: { ...plain, isolation: "none", reply: "final", rejects: "before-pivot", needsUndo: true },
  outbox: { ...messages, ownFirst: true },
  message: messages,
  "best-effort": { ...messages, ownFirst: true, mayDrop: true },
} as const satisfies Readonly<Record<string, StrategyFacts>>;

type BuiltIn = typeof builtInStrategies;

/** The strategies types know, by name. A package with one of its own declares it here as well. */
export interface Strategies extends BuiltIn {}
