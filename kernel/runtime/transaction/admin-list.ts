import type { OpenCount, OpenCounts, TransactionList, TransactionQuery } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { byAge, type Keeping, keptInOutboxes, nothingKept } from "./admin-kept.ts";
import { checkMeant } from "./admin-known.ts";
import { filterOf, type Summary, summaryOf } from "./admin-view.ts";
import type { TransactionNode } from "./node.ts";

/** Transactions of the coordinator, and those that so far only outboxes keep. Throws INVALID_ARGUMENT for what nobody can mean. */
export async function listed(
  query: Infer<typeof TransactionQuery>,
  node: TransactionNode,
  keeping: Keeping,
): Promise<Infer<typeof TransactionList>> {
  const filter = filterOf(query);
  const limit = filter.limit ?? 0;
  const { status = ["committing"], gidEnd = "" } = filter;
  const most = query.stuck || gidEnd !== "" ? Number.POSITIVE_INFINITY : limit + 1;
  const elsewhere = status.includes("committing")
    ? await keptInOutboxes({ ...query, gid: "" }, most, keeping)
    : nothingKept;
  const records = await keeping.coordinator.find({ ...filter, limit: limit + 1 });
  const found = records.map((record) => summaryOf(record, keeping.now));
  const known = new Set(found.map(({ gid }) => gid));
  const fits = ({ gid, stuck }: Summary) => gid.endsWith(gidEnd) && (stuck || !query.stuck);
  const others = elsewhere.summaries.filter((one) => !known.has(one.gid) && fits(one));
  const all = [...found, ...others].sort(byAge);
  if (all.length === 0) await checkMeant(node, query);
  return { transactions: all.slice(0, limit), more: all.length > limit, silent: [...elsewhere.silent] };
}

/** Counts what has not ended, by who keeps it. */
export async function counted(keeping: Keeping): Promise<Infer<typeof OpenCounts>> {
  const query = { gid: "", name: "", strategy: "", olderThanMs: 0n };
  const elsewhere = await keptInOutboxes(query, Number.POSITIVE_INFINITY, keeping);
  const recorded = (await keeping.coordinator.counts()).map(({ count, stuck, oldestMs, ...what }) => ({
    ...{ ...what, count: BigInt(count), stuck: BigInt(stuck) },
    ...{ oldestMs: BigInt(Math.round(oldestMs)), keptBy: "" },
  }));
  return { counts: [...recorded, ...countsOf(elsewhere.summaries)], silent: [...elsewhere.silent] };
}

/** How many there are of each name and strategy, by who keeps them. */
function countsOf(summaries: readonly Summary[]): Infer<typeof OpenCount>[] {
  const counts = new Map<string, Infer<typeof OpenCount>>();
  for (const { name, strategy, status, keptBy, stuck, ageMs } of summaries) {
    const key = JSON.stringify([name, strategy, keptBy]);
    const { count, oldestMs, ...before } = counts.get(key) ?? { count: 0n, stuck: 0n, oldestMs: 0n };
    const oldest = ageMs > oldestMs ? ageMs : oldestMs;
    const stuckNow = before.stuck + (stuck ? 1n : 0n);
    counts.set(key, { name, strategy, status, keptBy, count: count + 1n, stuck: stuckNow, oldestMs: oldest });
  }
  return [...counts.values()];
}
