import type { TransactionRecord } from "../../spi/coordinator.ts";
import type { TransactionNode } from "./node.ts";
import { transactionCodes } from "./rule-codes.ts";

/** How many ids a line of the log names. */
const mostNamed = 5;

/**
 * Leaves transactions for later whose strategy is not there, with the reason in their records; logs those it has not told of,
 * a line for each strategy.
 */
export function leavingStrategyless(node: TransactionNode): (records: readonly TransactionRecord[]) => Promise<void> {
  const told = new Map<string, Set<string>>();

  function tell(strategy: string, records: readonly TransactionRecord[]): void {
    const known = told.get(strategy) ?? new Set<string>();
    told.set(strategy, known);
    const fresh = records.filter(({ gid }) => !known.has(gid));
    const [first] = fresh;
    if (!first) return;
    for (const { gid } of fresh) known.add(gid);
    const name = `${first.name} ${fresh
      .slice(0, mostNamed)
      .map(({ gid }) => gid)
      .join(", ")}`;
    const more = fresh.length > mostNamed ? ` and ${fresh.length - mostNamed} more` : "";
    node.log.error(`transaction ${name}${more} cannot go on: ${whyNot(strategy)} ${transactionCodes.DTX011}`);
  }

  return async (records) => {
    for (const strategy of told.keys()) if (node.strategy(strategy)) told.delete(strategy);
    const without = Map.groupBy(records, ({ name, strategy }) => JSON.stringify([name, strategy]));
    for (const group of without.values()) tell(group[0]?.strategy ?? "", group);
    const { leaseMs: nextInMs } = node.options;
    const left = records.map(({ gid, strategy }) => ({ gid, note: { lastError: whyNot(strategy), nextInMs } }));
    await Promise.all(left.map(({ gid, note }) => node.coordinator().note(gid, note)));
  };
}

function whyNot(strategy: string): string {
  return `DTX011: its strategy "${strategy}" is not there any more.`;
}
