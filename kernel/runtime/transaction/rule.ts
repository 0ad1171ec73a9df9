import type { Manifest } from "../../contract/transaction/participant.ts";
import type { StrategyFacts } from "../../contract/transaction/strategy.ts";
import type { Infer } from "../../contract/types.ts";
import type { CoordinatorHealth } from "../../spi/coordinator.ts";
import type { TransactionCode } from "./rule-codes.ts";
import type { RulePlan, RuleStep } from "./rule-plan.ts";

export type ManifestFacts = Infer<typeof Manifest>;

/** A strategy, with what the configuration says to it. */
export interface RuleChoice {
  readonly strategy: string;
  readonly facts: StrategyFacts;
  /** As it will hold; undefined: none. */
  readonly deadlineMs?: number | undefined;
  readonly maxInFlight?: number | undefined;
  readonly scheduleMs?: readonly number[] | undefined;
}

/** What is known of the world around a transaction. What is left out is not known, and nothing is said about it. */
export interface RuleWorld {
  /** Strategies that could be used, whether they are or not. */
  readonly installed?: ReadonlySet<string> | undefined;
  /** Participants this process performs itself. */
  readonly performedHere?: ReadonlySet<string> | undefined;
  /** By participant; undefined for one that does not know the question, none for one that has not answered. */
  readonly manifests?: ReadonlyMap<string, ManifestFacts | undefined> | undefined;
  /** The servers of participants that have not told, by participant, as far as something else is known of them. */
  readonly rooms?: ReadonlyMap<string, ServerRoom> | undefined;
  /** The version of the fence this kernel works with. */
  readonly fenceVersion?: number | undefined;
  /** How long fence rows are kept, in milliseconds; undefined: for ever, as far as is known. */
  readonly retentionMs?: number | undefined;
  readonly coordinator?: CoordinatorHealth | undefined;
  /** How long the coordinator keeps what has ended, in milliseconds; undefined: that is no matter of time, as far as is known. */
  readonly keepsEndedMs?: number | undefined;
  /** What tells the coordinator of this process from others; empty for one that cannot be told. */
  readonly coordinatorIdentity?: string | undefined;
  /** Whether the coordinator is declared to survive the loss of its server. */
  readonly highlyAvailable?: boolean | undefined;
  readonly bus?: RuleBus | undefined;
  /** What each step contends for, where its input is known already. */
  readonly keys?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** How much a server prepares for all whose databases it has. */
export interface ServerRoom {
  /** Tells servers apart. */
  readonly server: string;
  readonly preparedTransactions: number;
}

/** The bus messages of transactions travel on. */
export interface RuleBus {
  readonly name: string;
  readonly durable: boolean;
  /** Whether rows wait in the outbox until their receivers are done, and not only until the bus has taken them. */
  readonly keptUntilDone: boolean;
}

/** What a rule objects to. */
export interface Objection {
  readonly code: TransactionCode;
  /** For example `step 'coupon' has no undo`. */
  readonly what: string;
  /** A sentence more about it, for example which reasons an operation declares. */
  readonly more?: string;
  readonly step?: string;
  readonly participant?: string;
  /** The field of the policy that is to blame before the strategy is, where somebody has written it. */
  readonly field?: string;
}

/** The same before it is known which rule it comes from. */
export type Found = Omit<Objection, "code">;

/** One rule. `knows` says what it looks at: the plan alone, as types see it, or more. */
export interface Rule {
  readonly code: TransactionCode;
  readonly knows: "plan" | "world";
  check(plan: RulePlan, choice: RuleChoice, world: RuleWorld): readonly Found[];
}

type Check = Rule["check"];
export const ofPlan = (code: TransactionCode, check: Check): Rule => ({ code, knows: "plan", check });
export const ofWorld = (code: TransactionCode, check: Check): Rule => ({ code, knows: "world", check });

/** Objects to each step of which `wrong` says what is wrong. */
export function eachStep(
  { steps }: RulePlan,
  wrong: (step: RuleStep) => string | undefined,
  more: (step: RuleStep) => string = () => "",
): Found[] {
  return steps.flatMap((step) => {
    const what = wrong(step);
    const { name, participant } = step;
    if (what === undefined) return [];
    const rest = more(step);
    return [{ what: `step '${name}' ${what}`, ...(rest && { more: rest }), step: name, participant }];
  });
}
