import type { StrategyFacts } from "../../contract/transaction/strategy.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { suggestion } from "../../core/nearest.ts";
import type { TransactionCount } from "../../spi/coordinator.ts";
import type { TransactionPolicy } from "../../spi/transaction-policies.ts";
import { planRules } from "./plan-rules.ts";
import type { Objection, RuleChoice, RuleWorld } from "./rule.ts";
import { type TransactionCode, transactionCodes } from "./rule-codes.ts";
import { type RulePlan, rulePlan } from "./rule-plan.ts";
import { worldRules } from "./world-rules.ts";

/** Why a transaction cannot be driven as it is configured. */
export interface TransactionProblem {
  readonly code: TransactionCode;
  readonly transaction: string;
  /** Empty where none is named. */
  readonly strategy: string;
  readonly step?: string;
  /** Where something would have to change, if that is at a participant. */
  readonly participant?: string;
  /** The field of the policy that is to blame before the strategy is, where somebody has written it. */
  readonly field?: string;
  /** The code, the strategy and what is wrong, in the words of the type error. */
  readonly headline: string;
  /** The headline, and with the first of its code what to do and which strategies would do. */
  readonly message: string;
  /** The strategies here that nothing speaks against. */
  readonly allowed: readonly string[];
}

/** The strategies there are, by the name or alias the configuration has for them. */
export type KnownStrategies = ReadonlyMap<string, StrategyFacts>;

type Said = Partial<TransactionPolicy>;

/**
 * Everything that speaks against driving a transaction as its policy says, all at once: on loading an app with what its
 * plugins declare, on start and at a first begin also with what participants, coordinator and bus tell. Pure.
 */
export function transactionProblems(
  transaction: AnyTransaction,
  said: Said,
  strategies: KnownStrategies,
  world: RuleWorld = {},
): TransactionProblem[] {
  const plan = rulePlan(transaction);
  const { strategy = "" } = said;
  const facts = strategies.get(strategy);
  const objections = facts ? objectionsTo(plan, choice(strategy, facts, said), world) : [unnamed(strategy, world)];
  if (objections.length === 0) return [];
  const allowed = honestStrategies(transaction, strategies, world, said);
  const hint = facts || !strategy || world.installed?.has(strategy) ? "" : suggestion(strategy, strategies.keys());
  const around = { transaction: plan.transaction, strategy, allowed, hint };
  const left = allowed.length > 0 ? choices(around) : noneHonest(plan, strategies, said, world);
  const advised = new Set<TransactionCode>();
  return objections.map((objection) => {
    const { code } = objection;
    if (advised.has(code)) return worded(objection, around, []);
    advised.add(code);
    return worded(objection, around, [facts ? transactionCodes[code] : naming(strategy, world), left]);
  });
}

/** The strategies nothing speaks against, with the same limits. */
export function honestStrategies(
  transaction: AnyTransaction,
  strategies: KnownStrategies,
  world: RuleWorld = {},
  limits: Omit<Said, "strategy"> = {},
): readonly string[] {
  const plan = rulePlan(transaction);
  return [...strategies].flatMap(([name, facts]) =>
    objectionsTo(plan, choice(name, facts, limits), world).length === 0 ? [name] : [],
  );
}

/** Transactions that cannot end because the strategy they began with is not there any more. */
export function strandedTransactions(
  counts: readonly TransactionCount[],
  strategies: KnownStrategies,
): TransactionProblem[] {
  const stranded = counts.filter(({ strategy, status }) => !strategies.has(strategy) && !ended.has(status));
  const groups = Map.groupBy(stranded, ({ name, strategy }) => JSON.stringify([name, strategy]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const number = group.reduce((sum, { count }) => sum + count, 0);
    if (!first || number === 0) return [];
    const what = `${number} under way began with this strategy, which is not there any more`;
    const around = { transaction: first.name, strategy: first.strategy, allowed: [], hint: "" };
    return [worded({ code: "DTX011", what }, around, [transactionCodes.DTX011])];
  });
}

const ended: ReadonlySet<string> = new Set(["committed", "aborted"]);

function objectionsTo(plan: RulePlan, chosen: RuleChoice, world: RuleWorld): Objection[] {
  return [...planRules, ...worldRules].flatMap(({ code, check }) =>
    check(plan, chosen, world).map((found) => ({ code, ...found })),
  );
}

/** A deadline that is written as 0 is none, and a limit nobody wrote is no claim. */
function choice(strategy: string, facts: StrategyFacts, said: Said): RuleChoice {
  const { deadlineMs = facts.defaultDeadlineMs, scheduleMs, sources = {} } = said;
  const maxInFlight = sources.maxInFlight === undefined ? undefined : said.maxInFlight;
  return { strategy, facts, deadlineMs: deadlineMs || undefined, maxInFlight, scheduleMs };
}

function unnamed(strategy: string, { installed }: RuleWorld): Objection {
  if (strategy === "") return { code: "DTX001", what: "none is named" };
  const what = installed?.has(strategy) ? "it is not listed under use.transaction" : "there is no such strategy";
  return { code: "DTX001", what };
}

/** What to do about a strategy that is not there. */
function naming(strategy: string, { installed }: RuleWorld): string {
  if (strategy === "") return "";
  if (installed?.has(strategy)) return "List it under `use.transaction`, or name one that is listed.";
  return "Name one that is there, or install the plugin that has it.";
}

function choices({ transaction, strategy, allowed }: Around): string {
  const names = allowed.join(", ");
  return strategy === "" ? `Write transactions.${transaction}.strategy, one of ${names}.` : `Honest here: ${names}.`;
}

/** What speaks against all strategies there are, which the plan or the app has to change. */
function noneHonest(plan: RulePlan, strategies: KnownStrategies, said: Said, world: RuleWorld): string {
  const [first = [], ...others] = [...strategies].map(([name, facts]) =>
    objectionsTo(plan, choice(name, facts, said), world).map(({ code, step }) => (step ? `${code} '${step}'` : code)),
  );
  if (strategies.size === 0) return "";
  const always = [...new Set(first)].filter((one) => others.every((some) => some.includes(one)));
  const why = always.length > 0 ? `: ${always.join(", ")} under all of them` : "";
  return `No strategy is honest about it as it is${why}.`;
}

interface Around {
  readonly transaction: string;
  readonly strategy: string;
  readonly allowed: readonly string[];
  readonly hint: string;
}

function worded(
  { code, ...objection }: Objection,
  { transaction, strategy, allowed, hint }: Around,
  advice: readonly string[],
): TransactionProblem {
  const headline = `${code} ${strategy || "strategy"}: ${objection.what}`;
  const { step, participant, field, more = "" } = objection;
  const sentences = [`transaction ${transaction}: ${headline}.${hint}`, more, ...advice];
  return {
    code,
    transaction,
    strategy,
    ...(step !== undefined && { step }),
    ...(participant !== undefined && { participant }),
    ...(field !== undefined && { field }),
    headline,
    message: sentences.filter(Boolean).join(" "),
    allowed,
  };
}
