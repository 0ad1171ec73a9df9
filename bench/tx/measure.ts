import { randomUUID } from "node:crypto";
import type { Plugin } from "../../kernel/core/plugin.ts";
import type { Store } from "../../kernel/index.ts";
import type { Form } from "./bank.ts";
import type { BenchServer } from "./server.ts";
import { accountOf, type Databases, warm, world } from "./world.ts";

export interface Load {
  readonly strategy: string;
  readonly databases: Databases;
  readonly callers: number;
  readonly batching: boolean;
  readonly form: Form;
}

export interface Measured extends Load {
  /** Begun, answered and settled everywhere, per second. */
  readonly perSecond: number;
  /** Milliseconds until the caller is answered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Times the log was flushed per transaction. */
  readonly flushes: number;
  /** Commits one transaction needs without batches. */
  readonly commits: number;
  /**
   * Commits per second of this server by as many connections as the run may use, divided by `commits`. A commit is one statement: of
   * the business, the change and a row that makes it happen once; of the record, one row.
   */
  readonly boundPerSecond: number;
  /** The same where every commit changes one row and nothing else. */
  readonly oneRowBoundPerSecond: number;
  /** The same where commits of the business are transactions as a service writes them by hand: begin, that row, the change, commit. */
  readonly byHandBoundPerSecond: number;
}

/** Commits of one transaction: those that run what a service has written, and those of one statement. */
export interface Commits {
  readonly business: number;
  readonly single: number;
}

/** Commits one transaction over `n` databases needs without batches: those of its branches, and those of its record. */
export function commitsOf(strategy: string, n: number): Commits {
  if (n === 1) return { business: 1, single: 0 };
  const ofRecord = 3; // begun, decided, ended
  if (strategy === "xa" || strategy === "3pc") return { business: n, single: n + ofRecord };
  if (strategy === "tcc") return { business: 2 * n, single: ofRecord };
  if (strategy === "saga") return { business: n, single: ofRecord };
  // Of the acknowledgements the last goes with the end.
  if (strategy === "message") return { business: n, single: n - 2 + ofRecord };
  // Rows of the outbox are taken up together and removed one by one; a record that is begun as decided, and ended.
  return { business: n, single: 1 + (n - 1) + 2 };
}

/** Runs transactions over and over for a while, by so many callers. */
export async function measure(server: BenchServer, plugin: Plugin, load: Load, ms: number): Promise<Measured> {
  const { callers, databases, batching, form, strategy } = load;
  const idle = await flushesOf(server, async (store) => {
    await using at = await world({ store, strategy: plugin, databases, batching, lanes: batching, form });
    await warm(at, callers);
  });
  const took: number[] = [];
  let elapsed = 0;
  const flushed = await flushesOf(server, async (store) => {
    await using at = await world({ store, strategy: plugin, databases, batching, lanes: batching, form });
    await warm(at, callers);
    let next = 0;
    const began = performance.now();
    const caller = async () => {
      while (performance.now() - began < ms) {
        const asked = performance.now();
        await at.run(accountOf(next++));
        took.push(performance.now() - asked);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    await at.drained();
    elapsed = performance.now() - began;
  });
  took.sort((a, b) => a - b);
  const quantile = (part: number) => took[Math.floor(took.length * part)] ?? 0;
  const { business, single } = commitsOf(strategy, databases);
  const connections = Math.min(callers * databases, 20);
  await using store = await server.open(connections);
  const rows = await commitRate(store, connections, ms, oneRow);
  const statements = await commitRate(store, connections, ms, oneStatement);
  const transactions = await commitRate(store, connections, ms, oneTransaction);
  const bound = (ofBusiness: number) => 1 / (business / ofBusiness + single / rows);
  return {
    ...load,
    perSecond: (took.length * 1000) / elapsed,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    flushes: Math.max(0, flushed - idle) / took.length,
    commits: business + single,
    boundPerSecond: bound(statements),
    oneRowBoundPerSecond: bound(rows),
    byHandBoundPerSecond: bound(transactions),
  };
}

async function flushesOf(server: BenchServer, work: (store: Store) => Promise<void>): Promise<number> {
  const before = await server.flushes();
  {
    await using store = await server.open();
    await work(store);
  }
  return (await server.flushes()) - before;
}

type Sql = Awaited<ReturnType<Store["database"]>>["sql"];
type Commit = (sql: Sql, n: number) => Promise<unknown>;

const oneRow = (sql: Sql, n: number) => sql`update account set coming = coming where id = ${accountOf(n * 7)}`;

/** The row that makes it happen once. */
const once = (sql: Sql) => sql`
  insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
  values (${randomUUID()}, 'b1', 'R', 'rejected', 'bench', '') on conflict do nothing`;

/** With that row in one statement. */
const oneStatement: Commit = (sql, n) => sql`with once as (${once(sql)}) ${oneRow(sql, n)}`;

/** As a service would write it by hand, with the same row. */
const oneTransaction: Commit = (sql, n) =>
  sql.begin(async (tx) => {
    await once(tx as unknown as Sql);
    await oneRow(tx as unknown as Sql, n);
  });

/** Commits per second, by so many connections. */
async function commitRate(store: Store, connections: number, ms: number, commit: Commit): Promise<number> {
  const { sql } = await store.database("bank_first");
  await Promise.all(Array.from({ length: connections }, (_, n) => commit(sql, n))); // connects
  const began = performance.now();
  let done = 0;
  const committer = async () => {
    while (performance.now() - began < ms / 2) await commit(sql, done++);
  };
  await Promise.all(Array.from({ length: connections }, committer));
  return (done * 1000) / (performance.now() - began);
}
