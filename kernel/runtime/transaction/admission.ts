import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { AnyTransaction, StepType } from "../../contract/transaction/transaction.ts";
import type { Log } from "../../core/plugin.ts";
import type { Clock, Timers } from "../../core/ports.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { StrategyFacts } from "../../spi/transaction.ts";
import type { TransactionPolicies, TransactionPolicy } from "../../spi/transaction-policies.ts";
import { fenceVersion } from "./fence.ts";
import { type KnownStrategies, strandedTransactions, type TransactionProblem, transactionProblems } from "./honesty.ts";
import { tightlyPrepared } from "./prepared-room.ts";
import type { ManifestFacts, RuleBus } from "./rule.ts";
import { rulePlan } from "./rule-plan.ts";
import { telling } from "./telling.ts";

export interface AdmissionSetup {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly strategies: () => ReadonlyMap<string, { readonly facts: StrategyFacts }>;
  readonly policies: () => TransactionPolicies;
  readonly coordinator: () => Coordinator;
  /** Asks a participant what it can do. Rejects with a StatusError, in time. */
  readonly manifestOf: (participant: string) => Promise<ManifestFacts>;
  readonly performs: (participant: string) => boolean;
  readonly bus: () => RuleBus | undefined;
  /** Whether decisions have to survive the loss of the coordinator's server. */
  readonly highlyAvailable: boolean;
  /** How long rows of fences are kept, in milliseconds; undefined: for ever. */
  readonly retentionMs?: number | undefined;
}

/** Judges transactions before they begin. */
export interface Admission {
  /**
   * Rejects with FAILED_PRECONDITION and all reasons where a rule forbids it. Looks around before the first begin, and again
   * after a change of the configuration; otherwise it costs a look-up.
   */
  admit(transaction: AnyTransaction, strategy: string, input?: unknown): Promise<void>;
  /** What would be refused, as far as it is known here, and others tell within so many milliseconds. Begins nothing. */
  objections(transaction: AnyTransaction, how: Considered, withinMs: number): Promise<readonly TransactionProblem[]>;
  /**
   * Logs what would be refused now, and with `missed` whom nobody performs; each once for as long as it is so. Begins nothing,
   * and says nothing about who performs what here, which may still be starting. Tells whether all participants have answered.
   */
  foresee(transaction: AnyTransaction, how: { readonly missed: boolean }): Promise<boolean>;
  /** What is wrong with what was begun before: transactions whose strategy is gone. */
  stranded(): Promise<readonly TransactionProblem[]>;
}

/** What a transaction may be begun with: not necessarily what the configuration says now. */
export interface Considered {
  readonly policy: TransactionPolicy;
  readonly strategies: KnownStrategies;
}

/** Participants that did not answer are asked again with the first begin after so many milliseconds. */
const askAgainMs = 5_000;

/** How long others may take to answer before anything begins, in milliseconds. */
const foreseeWithinMs = 2_000;

/** Where it is performed is known once all of this process has started; the check of the app knows it before. */
const ofPlaces: ReadonlySet<string> = new Set(["DTX012", "DTX019"]);

interface Verdict {
  readonly policies: TransactionPolicies;
  readonly facts: StrategyFacts | undefined;
  readonly done: Promise<void>;
  /** When to look again; Infinity while somebody looks, and once everybody has answered. */
  lookAgainAt: number;
  refused: boolean;
}

export function admission(setup: AdmissionSetup): Admission {
  const verdicts = new WeakMap<AnyTransaction, Map<string, Verdict>>();
  const told = telling(setup.log);

  function tell(
    transaction: AnyTransaction,
    problems: readonly TransactionProblem[],
    missing: readonly string[],
    tight: readonly string[],
  ) {
    const { name } = transaction;
    const prefix = `transaction ${name}: `;
    const refused = problems.map(({ headline, message }) => {
      return [headline, `transaction ${name} cannot begin: ${message.replace(prefix, "")}`] as const;
    });
    told("error", name, new Map(refused));
    const unsure = missing.map((one) => [one, unperformed(transaction, one)] as const);
    told("warn", name, new Map([...unsure, ...tight.map((one) => [one, `${prefix}${one}`] as const)]));
  }

  function judge(transaction: AnyTransaction, strategy: string, input: unknown): Verdict {
    const policies = setup.policies();
    const facts = setup.strategies().get(strategy)?.facts;
    const policy = { ...policies.of(transaction.name), strategy };
    const how = { policy, strategies: knownStrategies() };
    const done = look(transaction, how, input).then(({ problems, complete, missing, tight }) => {
      tell(transaction, problems, missing, tight);
      if (problems.length > 0) throw refusal(problems);
      verdict.lookAgainAt = complete ? Number.POSITIVE_INFINITY : setup.clock.now() + askAgainMs;
    });
    done.catch(() => {
      verdict.refused = true;
      verdict.lookAgainAt = setup.clock.now() + askAgainMs; // what was wrong may have been put right
    });
    const verdict: Verdict = { policies, facts, done, lookAgainAt: Number.POSITIVE_INFINITY, refused: false };
    return verdict;
  }

  /** What is wrong, and whether all participants have answered. */
  async function look(
    transaction: AnyTransaction,
    { policy, strategies }: Considered,
    input: unknown,
    withinMs = Number.POSITIVE_INFINITY,
  ) {
    const participants = [...new Set(stepsOf(transaction).map(({ operation }) => operation.participant))];
    const late = new AbortController();
    const silence = setup.timers.sleep(withinMs, late.signal).then(
      () => "silent" as const,
      () => "silent" as const,
    );
    const health = setup.coordinator().health();
    const [answers, coordinator] = await Promise.all([
      Promise.all(
        participants.map(async (name) => {
          const answer = setup.performs(name) ? asked(name) : Promise.race([asked(name), silence]);
          return [name, await answer] as const;
        }),
      ),
      Promise.race([health.catch(() => "silent" as const), silence]), // whoever needs it will hear of it
    ]).finally(() => late.abort());
    const manifests = new Map<string, ManifestFacts | undefined>();
    const missing: string[] = [];
    for (const [name, answer] of answers) {
      if (answer === "missing") missing.push(name);
      else if (answer !== "silent") manifests.set(name, answer);
    }
    const problems = transactionProblems(transaction, policy, strategies, {
      performedHere: new Set(participants.filter(setup.performs)),
      manifests,
      fenceVersion,
      retentionMs: setup.retentionMs,
      coordinator: coordinator === "silent" ? undefined : coordinator,
      coordinatorIdentity: setup.coordinator().identity,
      keepsEndedMs: setup.coordinator().keepsEndedMs,
      highlyAvailable: setup.highlyAvailable,
      bus: setup.bus(),
      keys: keysOf(transaction, input),
    });
    return {
      problems,
      complete: manifests.size === participants.length,
      missing,
      tight: tightOf(transaction, { policy, strategies }, manifests),
    };
  }

  /** Nothing where there is somebody who does not know the question; one who is not there now says neither yes nor no. */
  async function asked(participant: string): Promise<ManifestFacts | undefined | "silent" | "missing"> {
    try {
      return await setup.manifestOf(participant);
    } catch (error) {
      const { code, reason } = asStatusError(error);
      if (code === "UNIMPLEMENTED") return undefined;
      return reason === "NO_INSTANCE" || reason === "SERVICE_GONE" ? "missing" : "silent";
    }
  }

  function knownStrategies(): KnownStrategies {
    return new Map([...setup.strategies()].map(([name, { facts }]) => [name, facts]));
  }

  return {
    admit(transaction, strategy, input) {
      const own = verdicts.get(transaction) ?? new Map<string, Verdict>();
      verdicts.set(transaction, own);
      const known = own.get(strategy);
      const fresh =
        known?.policies === setup.policies() && known.facts === setup.strategies().get(strategy)?.facts
          ? known
          : undefined;
      if (fresh && setup.clock.now() < fresh.lookAgainAt) return fresh.done;
      const next = judge(transaction, strategy, input);
      if (!fresh || fresh.refused) {
        own.set(strategy, next);
        return next.done;
      }
      fresh.lookAgainAt = Number.POSITIVE_INFINITY;
      const replace = () => own.set(strategy, next);
      next.done.then(replace, replace); // nobody waits for those who were away before
      return fresh.done;
    },
    objections: async (transaction, how, withinMs) => (await look(transaction, how, undefined, withinMs)).problems,
    async foresee(transaction, { missed }) {
      const how = { policy: setup.policies().of(transaction.name), strategies: knownStrategies() };
      const { problems, complete, missing, tight } = await look(transaction, how, undefined, foreseeWithinMs);
      const certain = problems.filter(({ code }) => !ofPlaces.has(code));
      tell(transaction, certain, missed ? missing : [], tight);
      return complete;
    },
    async stranded() {
      const problems = strandedTransactions(await setup.coordinator().counts(), knownStrategies());
      for (const { message } of problems) setup.log.error(message);
      return problems;
    },
  };
}

function stepsOf({ steps }: AnyTransaction): readonly StepType[] {
  return Object.values(steps);
}

function unperformed(transaction: AnyTransaction, participant: string): string {
  const steps = stepsOf(transaction).filter(({ operation }) => operation.participant === participant);
  const named = `${steps.length > 1 ? "steps" : "step"} ${steps.map(({ name }) => name).join(", ")}`;
  return `transaction ${transaction.name}: nobody performs ${participant} yet (${named}). Start the app that has it; both need the same registry.`;
}

/** Where there may be too little room for what waits prepared, and nobody has written how much is to be under way. */
function tightOf(
  transaction: AnyTransaction,
  { policy: { strategy = "", maxInFlight, sources }, strategies }: Considered,
  manifests: ReadonlyMap<string, ManifestFacts | undefined>,
): readonly string[] {
  const facts = strategies.get(strategy);
  if (!facts || sources.maxInFlight !== undefined) return [];
  return tightlyPrepared(rulePlan(transaction), { facts, maxInFlight }, manifests);
}

/** What steps contend for whose input is made of that of the transaction alone. */
function keysOf(transaction: AnyTransaction, input: unknown): ReadonlyMap<string, readonly string[]> | undefined {
  if (input === undefined) return undefined;
  const plain = stepsOf(transaction).filter(({ uses }) => uses.length === 0);
  return new Map(plain.map(({ name, operation, input: inputOf }) => [name, operation.keys(inputOf(input, {}))]));
}

function refusal(problems: readonly TransactionProblem[]): StatusError {
  const message = problems.map((problem) => problem.message).join("\n");
  return new StatusError("FAILED_PRECONDITION", message, { reason: problems[0]?.code ?? "", neverSent: true });
}
