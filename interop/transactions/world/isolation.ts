import type { Sql } from "postgres";
import type { BankName } from "./contract.ts";

/** What a bank shows of a transaction to whoever reads: that something was done, and that some of it is final. */
export interface Shown {
  readonly bank: BankName;
  readonly gid: string;
  readonly final: boolean;
}

/** What the last acts of a bank show. Those of a transaction that is only prepared show nothing. */
export async function shownBy(bank: BankName, sql: Sql): Promise<readonly Shown[]> {
  const rows = await sql<{ gid: string; final: boolean }[]>`
    select gid, bool_or(act = 'confirm') as final from ledger
    where n > (select max(n) - 2000 from ledger) group by gid`;
  return rows.map(({ gid, final }) => ({ bank, gid, final }));
}

/** Where nobody may see what is undecided: anything at all, or, where it is reserved before, that it is final. */
const hides: Readonly<Record<string, "all" | "final">> = { xa: "all", "3pc": "all", tcc: "final" };

export interface Early {
  /** What a strategy promises that nobody sees. */
  readonly broken: readonly string[];
  /** Sagas, which promise nothing, that were seen before they were decided: their gids. */
  readonly dirty: readonly string[];
}

/**
 * What was shown of transactions that were to be committed by no decision. The coordinator is read after the banks, so
 * whatever it has not decided yet was not decided when it was seen; decisions are never taken back.
 */
export async function seenEarly(coordinator: Sql, shown: readonly Shown[]): Promise<Early> {
  const gids = [...new Set(shown.map(({ gid }) => gid))];
  const records = await coordinator<{ gid: string; strategy: string; status: string }[]>`
    select gid::text, strategy, status from mortise_transaction
    where name <> '' and status not in ('committing', 'committed') and gid in (select one::uuid from json_array_elements_text(${JSON.stringify(gids)}::text::json) as one)`;
  const undecided = new Map(records.map((record) => [record.gid, record]));
  const broken: string[] = [];
  const dirty: string[] = [];
  for (const { bank, gid, final } of shown) {
    const { strategy, status } = undecided.get(gid) ?? {};
    if (strategy === undefined) continue;
    const hidden = hides[strategy];
    if (strategy === "saga" && final) dirty.push(gid);
    if (hidden === "all" || (hidden === "final" && final))
      broken.push(`${bank} shows ${gid} as done, which is ${status} under ${strategy}`);
  }
  return { broken, dirty };
}
