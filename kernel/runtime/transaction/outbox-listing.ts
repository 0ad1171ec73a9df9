import type { OutboxQuery, OutboxTransactions } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Database } from "../../spi/store.ts";
import { checkGid } from "../../spi/transaction-record.ts";
import { handedColumns } from "./outbox-patience.ts";
import { invalid } from "./refusals.ts";

type Query = Infer<typeof OutboxQuery>;
type Listed = Infer<typeof OutboxTransactions>;

/** How many transactions are listed where nobody says, and at most. */
const usualLimit = 500;

/** Transactions of which something waits in an outbox, the oldest first. Throws INVALID_ARGUMENT for what nobody can mean. */
export async function listOutbox(sql: Database["sql"], query: Query): Promise<Listed> {
  const { gid, name, strategy, olderThanMs, after, limit, to = "" } = query;
  if (gid !== "") checkGid(gid);
  if (limit < 0 || limit > usualLimit) throw invalid(`the limit is ${limit}; from 1 to ${usualLimit}, or 0`);
  const place = placeIn(after);
  const parts = [
    gid !== "" && sql`gid = ${gid}`,
    name !== "" && sql`transaction = ${name}`,
    strategy !== "" && sql`strategy = ${strategy}`,
    to !== "" && sql`plan->>'participant' = ${to}`,
  ];
  const where = parts.reduce((all, part) => (part === false ? all : sql`${all} and ${part}`), sql`true`);
  const at = sql`min(created_at)`;
  const micros = sql`(extract(epoch from ${at}) * 1000000)::bigint`;
  const behind = place ? sql`and (${micros}, gid) > (${place.micros}::bigint, ${place.gid}::uuid)` : sql``;
  const size = limit || usualLimit;
  const rows = await sql<(Listed["transactions"][number] & { micros: bigint })[]>`
    select gid, min(transaction) as name, min(version) as version, min(strategy) as strategy, min(trace) as trace,
      ${micros} as micros, (extract(epoch from ${at}) * 1000)::bigint as "createdAt",
      coalesce(extract(epoch from min(next_at) filter (where state not in ('exhausted', 'paused'))) * 1000, 0)::bigint as "nextAt",
      coalesce(max(last_error) filter (where last_error <> ''), '') as "lastError", ${handedColumns(sql)}
    from mortise_outbox where ${where} group by gid
    having ${at} <= clock_timestamp() - ${Number(olderThanMs)} * interval '1 millisecond' ${behind}
    order by ${at}, gid limit ${size}`;
  const last = rows.length === size ? rows.at(-1) : undefined;
  return {
    transactions: rows.map(({ gid, name, version, strategy, trace, ...row }) => ({
      ...{ gid, name, version, strategy, trace, createdAt: row.createdAt, nextAt: row.nextAt },
      ...{ attempts: row.attempts, lastError: row.lastError, givenUp: row.givenUp, scheduled: row.scheduled },
      ...{ ageMs: row.ageMs, paused: row.paused },
    })),
    next: last ? `${last.micros} ${last.gid}` : "",
  };
}

/** Reads what stands in `next`: a moment in microseconds, and the gid of which nothing more is told. */
function placeIn(after: string): { readonly micros: string; readonly gid: string } | undefined {
  if (after === "") return undefined;
  const [, micros = "", gid = ""] = /^([0-9]{1,17}) ([0-9a-f-]{36})$/.exec(after) ?? [];
  if (micros === "") throw invalid(`"${after}" is no place in an outbox; it is what the answer before gave as next`);
  checkGid(gid);
  return { micros, gid };
}
