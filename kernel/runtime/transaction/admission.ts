import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { AnyTransaction, StepType } from "../../contract/transaction/transaction.ts";
import type { Log } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { StrategyFacts } from "../../spi/transaction.ts";
import type { TransactionPolicies } from "../../spi/transaction-policies.ts";
import { fenceVersion } from "./fence.ts";
import { type KnownStrategies, strandedTransactions, type TransactionProblem, transactionProblems } from "./honesty.ts";
import type { ManifestFacts, RuleBus } from "./rule.ts";

export interface AdmissionSetup {
  readonly clock: Clock;
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
}

/** Judges transactions before they begin. */
export interface Admission {
  /**
   * Rejects with FAILED_PRECONDITION and all reasons where a rule forbids it. Looks around before the first begin, and again
   * after a change of the configuration; otherwise it costs a look-up.
   */
  admit(transaction: AnyTransaction, strategy: string, input?: unknown): Promise<void>;
  /** What is wrong with what was begun before: transactions whose strategy is gone. */
  stranded(): Promise<readonly TransactionProblem[]>;
}

/** Participants that did not answer are asked again with the first begin after so many milliseconds. */
const askAgainMs = 5_000;

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

  function judge(transaction: AnyTransaction, strategy: string, input: unknown): Verdict {
    const policies = setup.policies();
    const facts = setup.strategies().get(strategy)?.facts;
    const done = look(transaction, strategy, input).then((complete) => {
      verdict.lookAgainAt = complete ? Number.POSITIVE_INFINITY : setup.clock.now() + askAgainMs;
    });
    done.catch(() => {
      verdict.refused = true;
      verdict.lookAgainAt = setup.clock.now() + askAgainMs; // what was wrong may have been put right
    });
    const verdict: Verdict = { policies, facts, done, lookAgainAt: Number.POSITIVE_INFINITY, refused: false };
    return verdict;
  }

  /** Resolves with whether all participants have answered. */
  async function look(transaction: AnyTransaction, strategy: string, input: unknown): Promise<boolean> {
    const policy = { ...setup.policies().of(transaction.name), strategy };
    const participants = [...new Set(stepsOf(transaction).map(({ operation }) => operation.participant))];
    const [answers, coordinator] = await Promise.all([
      Promise.all(participants.map(async (name) => [name, await asked(name)] as const)),
      setup
        .coordinator()
        .health()
        .catch(() => undefined), // whoever needs it will hear of it
    ]);
    const manifests = new Map<string, ManifestFacts | undefined>();
    for (const [name, answer] of answers) if (answer !== "silent") manifests.set(name, answer);
    const problems = transactionProblems(transaction, policy, knownStrategies(), {
      performedHere: new Set(participants.filter(setup.performs)),
      manifests,
      fenceVersion,
      coordinator,
      coordinatorIdentity: setup.coordinator().identity,
      highlyAvailable: setup.highlyAvailable,
      bus: setup.bus(),
      keys: keysOf(transaction, input),
    });
    if (problems.length > 0) throw refusal(problems);
    return manifests.size === participants.length;
  }

  /** Nothing where there is somebody who does not know the question; one who is not there now says neither yes nor no. */
  async function asked(participant: string): Promise<ManifestFacts | undefined | "silent"> {
    try {
      return await setup.manifestOf(participant);
    } catch (error) {
      return asStatusError(error).code === "UNIMPLEMENTED" ? undefined : "silent";
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
