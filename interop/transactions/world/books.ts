import type { TestPostgres } from "@mortise/kernel/testing";
import postgres, { type Sql } from "postgres";
import { type BankName, bankNames, databaseOf, stepsOf } from "./contract.ts";
import { seenEarly, shownBy } from "./isolation.ts";
import type { Told } from "./messages.ts";
import { type Retries, retriesIn, type Watched } from "./patience.ts";

/** Something that must never be seen. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** What an auditor sees of all banks and of the coordinator, and what must hold at every moment and in the end. */
export interface Books {
  sql(bank: BankName): Sql;
  readonly coordinator: Sql;
  /** Looks at every database once. Throws a {@link Violation}. */
  observe(): Promise<void>;
  /** What is not at its end yet, in words. */
  onTheWay(): Promise<readonly string[]>;
  /** Keeps what somebody was told; it must stay true. */
  acknowledge(told: Told): void;
  /** Somebody takes the decision of a transaction away from the coordinator: banks may have followed it. */
  decisionLost(gid: string): void;
  /** What is tried again, and how often. */
  readonly retries: Retries;
  /** Sagas of which somebody saw something before they were decided, as anybody may. */
  readonly dirty: ReadonlySet<string>;
  /** Once nothing is on its way: whole transactions, or nothing of them. Throws a {@link Violation}. Gives outcomes by gid. */
  audit(allowed?: Allowed): Promise<ReadonlyMap<string, "committed" | "aborted">>;
  close(): Promise<void>;
}

export interface Allowed {
  /** Transactions that ended otherwise because a person interfered. */
  readonly heuristic?: readonly string[];
}

export interface BooksOptions {
  readonly postgres: TestPostgres;
  readonly prefix: string;
  readonly watched: Watched;
  readonly elsewhere?: { readonly postgres: TestPostgres; readonly banks: readonly BankName[] };
}

/** Connections outlive restarts of the server: what was asked meanwhile is asked again. */
export async function openBooksOf({ postgres: server, prefix, watched, elsewhere }: BooksOptions): Promise<Books> {
  const connect = (at: TestPostgres, name: string) =>
    postgres(at.url.replace(/\/[^/]*$/, `/${prefix}${name}`), {
      max: 1,
      onnotice: () => undefined,
      fetch_types: false, // asked for by every new connection, and nobody hears when that fails
    });
  const banks = new Map(
    bankNames.map((bank) => {
      const at = elsewhere?.banks.includes(bank) ? elsewhere.postgres : server;
      return [bank, connect(at, databaseOf(bank))] as const;
    }),
  );
  const coordinator = connect(server, "mortise_transactions");
  const decided = new Map<string, string>();
  const acknowledged = new Map<string, Told["status"]>();
  const of = (bank: BankName) => banks.get(bank) as Sql;

  async function observeDecisions(): Promise<void> {
    const rows = await coordinator<{ gid: string; status: string }[]>`
      select gid::text, status from mortise_transaction where status <> 'active'`;
    for (const { gid, status } of rows) {
      const decision = status.startsWith("commit") ? "committed" : "aborted";
      const before = decided.get(gid);
      if (before !== undefined && before !== decision) throw new Violation(`${gid} was ${before} and is ${status}`);
      const told = acknowledged.get(gid);
      if (told !== undefined && told !== "pending" && told !== decision)
        throw new Violation(`${gid} was told as ${told} and is ${status}`);
      decided.set(gid, decision);
    }
  }

  const dirty = new Set<string>();
  const lost = new Set<string>();
  const retries = retriesIn(coordinator, of("own"), watched);

  /** Nobody sees what is only prepared or reserved, but under a saga. */
  async function observeIsolation(): Promise<void> {
    const shown = (await Promise.all(bankNames.map((bank) => shownBy(bank, of(bank))))).flat();
    const unknown = shown.filter(({ gid }) => !lost.has(gid) && decided.get(gid) !== "committed");
    const early = await seenEarly(coordinator, unknown);
    if (early.broken.length > 0) throw new Violation(early.broken.join("; "));
    for (const gid of early.dirty) dirty.add(gid);
  }

  return {
    sql: of,
    coordinator,
    retries,
    dirty,
    decisionLost: (gid) => void lost.add(gid),
    async observe() {
      const found = await Promise.all(
        bankNames.map(async (bank) => (await wrongIn(of(bank))).map((one) => `${bank}: ${one}`)),
      );
      const wrong = [...found.flat(), ...(await retries.observe())];
      if (wrong.length > 0) throw new Violation(wrong.join("; "));
      await observeIsolation();
      await observeDecisions();
    },
    async onTheWay() {
      const open = await coordinator<{ what: string }[]>`
        select concat_ws(' ', gid, name, strategy, status, attempts, last_error) as what from mortise_transaction
        where ended_at is null and name <> ''`;
      const rest = await Promise.all(
        bankNames.map(async (bank) => (await leftIn(of(bank))).map((one) => `${bank}: ${one}`)),
      );
      return [...open.map(({ what }) => what), ...rest.flat()];
    },
    acknowledge({ gid, status }) {
      const before = acknowledged.get(gid);
      if (before !== undefined && before !== "pending" && status !== "pending" && before !== status)
        throw new Violation(`${gid} was told as ${before} and as ${status}`);
      if (before === undefined || before === "pending") acknowledged.set(gid, status);
    },
    async audit({ heuristic = [] } = {}) {
      const states = new Map<string, Map<string, string>>();
      for (const bank of bankNames) {
        for (const { gid, step, acts } of await of(bank)<StepRow[]>`
          select gid, step, string_agg(act, ' ' order by n) as acts from ledger group by gid, step`)
          states.set(gid, (states.get(gid) ?? new Map()).set(step, stateOf(acts)));
      }
      const records = await coordinator<RecordRow[]>`
        select gid::text, name, strategy, status, heuristic from mortise_transaction where name <> ''`;
      const known = new Map(records.map((record) => [record.gid, record]));
      const outcomes = new Map<string, "committed" | "aborted">();
      const problems = [...(await retries.audit())];
      for (const gid of new Set([...states.keys(), ...known.keys(), ...acknowledged.keys()])) {
        const outcome = outcomeOf(states.get(gid) ?? new Map(), known.get(gid)?.strategy === "best-effort");
        if (heuristic.includes(gid)) continue;
        if (typeof outcome !== "string") {
          problems.push(`${gid} is neither done nor undone: ${[...(states.get(gid) ?? [])].join(" ")}`);
          continue;
        }
        outcomes.set(gid, outcome);
        const told = acknowledged.get(gid);
        if (told !== undefined && told !== "pending" && told !== outcome)
          problems.push(`${gid} was told as ${told} and is ${outcome}`);
        const record = known.get(gid);
        if (record && record.status !== outcome)
          problems.push(`${gid} is ${record.status} and its effects are ${outcome}`);
        if (record?.heuristic) problems.push(`${gid} is heuristic: ${record.heuristic}`);
      }
      if (problems.length > 0) throw new Violation(problems.slice(0, 10).join("; "));
      return outcomes;
    },
    async close() {
      await Promise.all([...banks.values(), coordinator].map((sql) => sql.end({ timeout: 1 })));
    },
  };
}

interface StepRow {
  readonly gid: string;
  readonly step: string;
  /** In their order, separated by spaces. */
  readonly acts: string;
}

interface RecordRow {
  readonly gid: string;
  readonly name: string;
  readonly strategy: string;
  readonly status: string;
  readonly heuristic: string;
}

function stateOf(acts: string): string {
  if (acts === "reserve confirm") return "done";
  return acts === "reserve cancel" || acts === "reserve confirm undo" ? "undone" : acts;
}

/** Done as a whole or not at all; nothing where it is neither. What may be lost may be missing. */
function outcomeOf(steps: ReadonlyMap<string, string>, mayDrop: boolean): "committed" | "aborted" | undefined {
  const states = [...steps.values()];
  if (states.every((state) => state === "undone")) return "aborted";
  if (!states.every((state) => state === "done")) return undefined;
  const all = Object.values(stepsOf).find((names) => names.some((name) => steps.has(name))) ?? [];
  const missing = all.filter((name) => !steps.has(name));
  return missing.length === 0 || (mayDrop && steps.has("spend")) ? "committed" : undefined;
}

/** What contradicts the ledger of a bank in one snapshot: money to the cent, everything at most once, never both ends. */
async function wrongIn(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ wrong: string }[]>`
    with moved as (
      select account,
        sum(case when what = 'take' then case act when 'reserve' then -cents when 'confirm' then 0 else cents end
          else case act when 'confirm' then cents when 'undo' then -cents else 0 end end) as balance,
        sum(case when what = 'take' then case act when 'reserve' then cents when 'undo' then 0 else -cents end else 0 end) as frozen,
        sum(case when what = 'put' then case act when 'reserve' then cents when 'undo' then 0 else -cents end else 0 end) as coming
      from ledger group by account),
    acts as (
      select gid, step, count(*) filter (where act = 'reserve') as reserves, count(*) filter (where act = 'confirm') as confirms,
        count(*) filter (where act = 'cancel') as cancels, count(*) filter (where act = 'undo') as undos
      from ledger group by gid, step)
    select 'account ' || id || ' holds ' || account.balance || '/' || account.frozen || '/' || account.coming
        || ', by the ledger ' || (opened + coalesce(moved.balance, 0)) || '/' || coalesce(moved.frozen, 0) || '/' || coalesce(moved.coming, 0) as wrong
      from account left join moved on account.id = moved.account
      where account.balance <> opened + coalesce(moved.balance, 0)
        or account.frozen <> coalesce(moved.frozen, 0) or account.coming <> coalesce(moved.coming, 0)
    union all
    select gid || ' ' || step || ': ' || reserves || ' reserves, ' || confirms || ' confirms, ' || cancels || ' cancels, ' || undos || ' undos'
      from acts
      where reserves <> 1 or confirms > 1 or cancels > 1 or undos > 1 or confirms + cancels > 1 or undos > confirms
    union all
    select 'fence ' || gid || ' ' || branch || ' is confirmed and taken back' from mortise_fence where slot = 'F'
      group by gid, branch having count(*) > 1`;
  return rows.map(({ wrong }) => wrong);
}

/** What has not come to its end in the database of a bank. */
async function leftIn(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ what: string }[]>`
    select 'prepared ' || gid as what from pg_prepared_xacts where database = current_database()
    union all select 'outbox ' || gid || ' ' || branch || ' ' || state || ' ' || last_error from mortise_outbox where state <> 'exhausted'
    union all select 'on its way at ' || id from account where frozen <> 0 or coming <> 0
    union all select 'reserved ' || gid || ' ' || branch from mortise_fence as r where slot = 'R' and kind in ('reserve', 'intent')
      and not exists (select from mortise_fence as f where f.gid = r.gid and f.branch = r.branch and f.slot = 'F' and r.kind = 'reserve')`;
  return rows.map(({ what }) => what);
}
