import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Log } from "../../core/plugin.ts";
import type { Ports } from "../../core/ports.ts";
import type { StrategyFacts } from "../../spi/transaction.ts";
import type { TransactionPolicies } from "../../spi/transaction-policies.ts";
import { makeWorker, type Worker } from "../../spi/worker.ts";

export interface BeforehandSetup {
  readonly ports: Ports;
  readonly log: Log;
  readonly policies: () => TransactionPolicies;
  readonly factsOf: (strategy: string) => StrategyFacts | undefined;
  /** What begins here, by name. */
  readonly initiated: ReadonlyMap<string, AnyTransaction>;
  /** Tells whether all participants have answered. */
  readonly look: (transaction: AnyTransaction, how: { readonly missed: boolean }) => Promise<boolean>;
}

interface Seen {
  readonly policies: TransactionPolicies;
  readonly strategy: string | undefined;
  readonly facts: StrategyFacts | undefined;
  /** Looks in a row after which somebody had not answered. */
  readonly rounds: number;
  /** When to look again, by the clock of this process. */
  againAt: number;
}

/** How often it is compared what is configured, in milliseconds; nobody is asked where it is the same. */
const compareEveryMs = 1_000;

/** Participants that did not answer are asked again after so many milliseconds, doubling up to the maximum. */
const askAgainMs = 5_000;
const maxAskAgainMs = 300_000;

/** Looks at what begins here before anybody begins it: after the start, and after each change of the configuration. */
export function beforehand({ ports, log, policies, factsOf, initiated, look }: BeforehandSetup): Worker {
  const seen = new Map<string, Seen>();

  async function lookAt(transaction: AnyTransaction): Promise<void> {
    const { name } = transaction;
    const { strategy } = policies().of(name);
    const before = seen.get(name);
    const now = { policies: policies(), strategy, facts: factsOf(strategy ?? "") };
    const same = before?.policies === now.policies && before.strategy === strategy && before.facts === now.facts;
    if (same && ports.clock.now() < before.againAt) return;
    if (before && before.strategy !== strategy)
      log.info(
        `transaction ${name}: ${before.strategy ?? "none"} -> ${strategy ?? "none"}, for what begins from now on`,
      );
    const rounds = same ? before.rounds + 1 : 0;
    const next: Seen = { ...now, rounds, againAt: Number.POSITIVE_INFINITY };
    seen.set(name, next);
    // Right after a start, or a change, others may be starting too.
    const complete = await look(transaction, { missed: rounds > 0 });
    if (!complete) next.againAt = ports.clock.now() + Math.min(askAgainMs * 2 ** rounds, maxAskAgainMs);
  }

  return makeWorker({
    name: "look at the transactions that begin here",
    everyMs: compareEveryMs,
    ports,
    log,
    work: async () => {
      await Promise.all([...initiated.values()].map(lookAt));
      return false;
    },
  });
}
