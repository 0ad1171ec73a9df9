import {
  type AnyPerformance,
  type Database,
  finishingStatement,
  oneStatement,
  type Performer,
  type TransactionHandle,
} from "@mortise/kernel";
import { bankPerformer } from "@mortise/kernel/testing";
import { type BankName, banks } from "./contract.ts";

/**
 * Opens the books of a bank. Besides balances it has a ledger of everything its operations were made to do, without any key,
 * so that what is done twice shows: the tests trust the ledger and not the fence.
 */
export async function openBooks(database: Database, accounts: Readonly<Record<string, bigint>>): Promise<void> {
  const [known] = await database.sql<{ there: boolean }[]>`select to_regclass('ledger') is not null as there`;
  if (known?.there) return; // a prepared transaction may hold locks that creating anything would wait for
  await database.sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(43)`;
    await tx`create table if not exists account (
      id text primary key, balance bigint not null check (balance >= 0),
      frozen bigint not null default 0 check (frozen >= 0), coming bigint not null default 0 check (coming >= 0),
      opened bigint not null)`;
    await tx`create table if not exists ledger (
      n bigserial primary key, gid text not null, step text not null, act text not null, what text not null,
      account text not null, cents bigint not null, moves boolean not null default false)`;
    await tx.unsafe(moving);
    await tx`create index if not exists ledger_gid on ledger (gid)`;
    for (const [id, cents] of Object.entries(accounts))
      await tx`insert into account (id, balance, opened) values (${id}, ${cents}, ${cents}) on conflict do nothing`;
  });
}

/** Changes the account with a row of the ledger that says so: both are then one statement. */
const moving = `
  create or replace function move_money() returns trigger language plpgsql as $$ begin
    update account set
      balance = balance + case new.act when 'confirm' then new.cents when 'undo' then -new.cents else 0 end,
      coming = coming + case new.act when 'reserve' then new.cents when 'undo' then 0 else -new.cents end
    where id = new.account;
    if not found then raise exception 'there is no account %', new.account; end if;
    return new;
  end $$;
  create or replace trigger moves after insert on ledger for each row when (new.moves) execute function move_money()`;

type Act = (tx: Tx, input: Movement | readonly Item[], ...more: readonly unknown[]) => Promise<unknown>;
type Tx = { readonly sql: Database["sql"] };
type Movement = { readonly account: string; readonly cents: bigint };
/** One of several that are done together. */
type Item = { readonly gid: string; readonly step: string; readonly input: Movement };

/** What a bank does, written down in the same database transaction; what the fourth bank puts, in the same statement. */
export function bookkeeping(bank: BankName, database: Database): Performer["perform"] {
  const kept = written(bank, database);
  return bank === "fourth" ? { ...kept, put: { ...kept.put, ...putting } as unknown as AnyPerformance } : kept;
}

type About = Pick<Item, "gid" | "step">;

const insertion = ({ sql }: TransactionHandle, { account, cents }: Movement, { gid, step }: About, act: string) => sql`
  insert into ledger (gid, step, act, what, account, cents, moves)
  values (${gid}, ${step}, ${act}, 'put', ${account}, ${String(cents)}::bigint, true) returning 1`;

const finishing = (act: string) =>
  finishingStatement<Movement, unknown>({ write: (on, input, _, call) => insertion(on, input, call, act) });

const putting = {
  reserve: oneStatement<Movement>({ write: (on, input, call) => insertion(on, input, call, "reserve") }),
  confirm: finishing("confirm"),
  cancel: finishing("cancel"),
  undo: finishing("undo"),
};

function written(bank: BankName, database: Database): Performer["perform"] {
  const { perform } = bankPerformer(banks[bank] as never, database);
  const kept = Object.entries(perform).map(([what, acts]) => {
    const all = Object.entries(acts as unknown as Record<string, Act>).map(([act, work]) => {
      const written: Act = async (tx, input, ...more) => {
        const output = await work(tx, input, ...more);
        const about = more.at(-1) as About;
        const done = Array.isArray(input) ? served(input, output) : [{ ...about, input: input as Movement }];
        const writing = done.map(
          ({ gid, step, input: { account, cents } }) => tx.sql`insert into ledger (gid, step, act, what, account, cents)
            values (${gid}, ${step}, ${act.replace("Many", "")}, ${what}, ${account}, ${String(cents)}::bigint)`,
        );
        await Promise.all(writing);
        return output;
      };
      return [act, written] as const;
    });
    return [what, Object.fromEntries(all) as unknown as AnyPerformance] as const;
  });
  return Object.fromEntries(kept);
}

/** Those of a batch that were not refused. */
function served(items: readonly Item[], answers: unknown): readonly Item[] {
  return Array.isArray(answers) ? items.filter((_, i) => "output" in answers[i]) : items;
}
