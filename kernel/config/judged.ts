import { isDeepStrictEqual } from "node:util";
import type { Problem } from "../core/config.ts";
import type { Kernel } from "../core/kernel.ts";
import type { Plan } from "../core/plan.ts";
import { locationOf } from "../core/problems.ts";
import { initiatedIn, saidAt, strategiesIn } from "../runtime/check-transactions.ts";
import { type TransactionTable, transactionPolicyOf } from "../runtime/transaction-policy.ts";
import { transactions } from "../spi/transactions.ts";
import type { App } from "./app.ts";

/** How long participants and the coordinator may take to tell what speaks against a change, in milliseconds. */
const withinMs = 500;

/**
 * An app that is to take the place of what runs, with everything among its problems that those who run say against what it
 * changes about transactions. Who is away, or slow, says neither yes nor no.
 */
export async function judged(app: App, kernel: Kernel, before: TransactionTable): Promise<App> {
  const { plan, problems } = app;
  if (!plan || problems.length > 0) return app;
  const found = await objectionsTo(app, plan, kernel, before);
  return found.length === 0 ? app : { ...app, problems: found };
}

async function objectionsTo(
  { core, transactions: table }: App,
  plan: Plan,
  kernel: Kernel,
  before: TransactionTable,
): Promise<Problem[]> {
  const runs = kernel.every(transactions).values().next().value;
  const changed = [...initiatedIn(plan).keys()].filter((name) => !isSame(table, before, name));
  if (!runs || changed.length === 0 || core.use["transaction-policies"] !== undefined) return [];
  const of = (name: string) => transactionPolicyOf(table, name);
  const objections = await runs.objections(changed, { of }, strategiesIn(plan), withinMs);
  return objections.map(({ code, transaction, message, field }) => {
    const path = saidAt(of(transaction).sources, field) ?? ["transactions"];
    return { code, message, path, location: locationOf(core.locate, path) };
  });
}

/** Whether two tables say the same about a transaction, wherever they say it. */
function isSame(one: TransactionTable, other: TransactionTable, name: string): boolean {
  const values = (table: TransactionTable) => ({ ...transactionPolicyOf(table, name), sources: undefined });
  return isDeepStrictEqual(values(one), values(other));
}
