import type { App } from "../config/app.ts";
import type { Location } from "../core/config.ts";
import type { Plan } from "../core/plan.ts";
import { locationOf } from "../core/problems.ts";
import { honestIn, initiatedIn, strategiesIn } from "../runtime/check-transactions.ts";
import { branchesOf } from "../runtime/transaction/branches.ts";
import { transactionPolicyOf } from "../runtime/transaction-policy.ts";
import type { PlannedBranch } from "../spi/coordinator.ts";

/** What is said about a transaction, and where. */
export interface SaidExplanation {
  readonly name: string;
  readonly value: unknown;
  /** The key of `transactions` it comes from; nothing for a default. */
  readonly from: string | undefined;
  readonly location: Location | undefined;
}

/** How a transaction is driven, as far as it is known before anything runs. */
export interface TransactionExplanation {
  readonly transaction: string;
  readonly version: number;
  readonly needs: { readonly isolation: string; readonly reply: string };
  /** Plugins of this app that begin it. */
  readonly begunBy: readonly string[];
  readonly said: readonly SaidExplanation[];
  /** The strategies here that would be honest about it. */
  readonly honest: readonly string[];
  /** One transaction of one database each; those after the commit come last. */
  readonly branches: readonly PlannedBranch[];
}

/** All transactions that services of the app begin, each with the strategy it begins under. */
export function transactionsIn(
  { transactions }: App,
  plan: Plan,
): readonly (readonly [name: string, strategy: string])[] {
  const names = [...initiatedIn(plan).keys()];
  return names.map((name) => [name, transactionPolicyOf(transactions, name).strategy ?? "none named here"]);
}

/** Explains a transaction that a service of the app begins; nothing for a name that is none. */
export function explainTransaction(
  { transactions, core }: App,
  plan: Plan,
  name: string,
): TransactionExplanation | undefined {
  const { transaction, by } = initiatedIn(plan).get(name) ?? {};
  if (!transaction) return undefined;
  const { sources, ...policy } = transactionPolicyOf(transactions, name);
  const facts = strategiesIn(plan).get(policy.strategy ?? "");
  const values = { ...policy, deadlineMs: policy.deadlineMs ?? facts?.defaultDeadlineMs ?? 0 };
  const said = Object.entries(values).map(([field, value]): SaidExplanation => {
    const from = sources[field];
    const location = from === undefined ? undefined : locationOf(core.locate, ["transactions", from, field]);
    return { name: field, value, from, location };
  });
  const { main, later } = branchesOf(transaction);
  return {
    transaction: name,
    version: transaction.version,
    needs: transaction.needs,
    begunBy: (by ?? []).map(({ key }) => key),
    said: said.filter(({ name }) => name !== "scheduleMs" || facts?.mayDrop),
    honest: honestIn(plan, transaction),
    branches: [...main, ...later],
  };
}
