import assert from "node:assert/strict";
import { it } from "node:test";
import { eq, sql } from "drizzle-orm";
import { numeric, pgTable, text } from "drizzle-orm/pg-core";
import { createFence } from "../../runtime/transaction/fence.ts";
import type { LocalOperation, TransactionHandle } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import type { BankOperations } from "../bank.ts";
import { onServer } from "../on-server.ts";
import { postgresServer } from "../postgres-server.ts";
import { bankSubject } from "./bank-subject.fixture.ts";
import { operationLaws } from "./operation-conformance.ts";

type Take = LocalOperation<BankOperations["operations"]["take"]>;

/** An operation that is wrong in one way, the law that finds it, and what the law says. */
interface Planted {
  readonly wrong: string;
  readonly law: string;
  readonly says: RegExp;
  readonly plant: (own: Take, database: Database) => Partial<Take>;
  readonly before?: (database: Database) => Promise<unknown>;
  readonly runs?: number;
}

const accounts = pgTable("account", { id: text().primaryKey(), frozen: numeric() });

/** A note in the account table that no rollback takes back. */
const outside = ({ sql }: Database) => sql`insert into account (id, balance) values (gen_random_uuid()::text, 0)`;

const throws = (message: string) => async (): Promise<never> => {
  throw new TypeError(message);
};

/** A reserve that does something else first. */
function reservesAfter(own: Take, first: (tx: TransactionHandle) => PromiseLike<unknown>): Pick<Take, "reserve"> {
  return {
    reserve: async (tx, ...given) => {
      await first(tx);
      return own.reserve(tx, ...given);
    },
  };
}

const all: readonly Planted[] = [
  {
    wrong: "a cancel that keeps a cent",
    law: "reserve, then cancel, is nothing",
    says: /cancel does not give back all that reserve took[\s\S]*balance/,
    plant: (own) => ({
      cancel: (tx, input, ...rest) => own.cancel(tx, { ...input, cents: input.cents - 1n }, ...rest),
    }),
  },
  {
    wrong: "an apply that forgets to take",
    law: "reserve, then confirm, is the same as apply",
    says: /apply answers otherwise than reserve|apply leaves another state/,
    plant: () => ({ apply: async () => ({ cents: 0n }) }),
  },
  {
    wrong: "a confirm that forgets to await",
    law: "confirm changes something",
    says: /confirm of take changed nothing that `observe` shows, with 50 inputs: is an `await` missing\?.*`confirm: nothing`/,
    plant: () => ({
      confirm: async ({ orm }, { account }) => {
        orm.update(accounts).set({ frozen: "0" }).where(eq(accounts.id, account));
      },
    }),
  },
  {
    wrong: "a confirm that waits for its own transaction over another connection",
    law: "confirm changes something",
    says: /Shrunk 0 time\(s\)[\s\S]*(?:confirm of take|in one \(of take\)) throws: [^\n]*does it use another connection than `tx`/,
    plant: (_, { sql }) => ({
      confirm: async (_tx, { account }) => void (await sql`update account set frozen = 0 where id = ${account}`),
    }),
  },
  {
    wrong: "an undo that gives back to the wrong place",
    law: "apply, then undo, is nothing, or what is declared",
    says: /undo does not take back all that reserve and confirm in one did/,
    plant: () => ({
      undo: async ({ sql }, { account, cents }) => {
        await sql`update account set coming = coming + ${String(cents)}::bigint where id = ${account}`;
      },
    }),
  },
  {
    wrong: "a reserve that writes over another connection",
    law: "everything twice is the same as once",
    says: /does it act outside of its transaction/,
    plant: (own, database) => ({
      reserve: async (...given) => {
        const output = await own.reserve(...given);
        await outside(database);
        return output;
      },
    }),
  },
  {
    wrong: "a reserve whose loss leaves something",
    law: "cancel without reserve is nothing",
    says: /cancel after a reserve that was lost changes something/,
    plant: (own, database) => reservesAfter(own, () => outside(database)),
  },
  {
    wrong: "a database that forgets who was cancelled",
    law: "a reserve that comes after its cancel is refused",
    says: /reserve of take must end refused, and ends done/,
    plant: () => ({}),
    before: async ({ sql }) => {
      await sql`create function forget() returns trigger language plpgsql as
        'begin delete from mortise_fence where gid = new.gid and kind = new.kind; return null; end'`;
      await sql`create trigger forget after insert on mortise_fence for each row
        when (new.kind = 'tombstone') execute function forget()`;
    },
  },
  {
    wrong: "a no that has done something",
    law: "what says no leaves nothing",
    says: /reserve says NO_ACCOUNT and changes something/,
    plant: (own, database) => ({
      reserve: async (tx, input, call) => {
        if (input.account === "nobody") await outside(database);
        return own.reserve(tx, input, call);
      },
    }),
  },
  {
    wrong: "a reason that is not declared",
    law: "reserve, then cancel, is nothing",
    says: /reserve of take throws: .*TIRED, which its operation does not declare/,
    plant: () => ({ reserve: async (_tx, _input, call) => call.reject("TIRED" as never) }),
  },
  {
    wrong: "a reserveMany that refuses all after the first it refuses",
    law: "many at once are the same as one after the other",
    runs: 60, // so that several are refused and accepted together
    says: /reserveMany answers otherwise than reserve, one after the other/,
    plant: (own) => ({
      reserveMany: async (tx, items, call) => {
        const answers = (await own.reserveMany?.(tx, items, call)) ?? [];
        const no = answers.find((answer) => "reject" in answer);
        const first = no ? answers.indexOf(no) : answers.length;
        return answers.map((answer, i) => (i > first && no ? no : answer));
      },
    }),
  },
  {
    wrong: "a cancelMany that forgets the last",
    law: "many at once are the same as one after the other",
    runs: 60, // so that several are refused and accepted together
    says: /cancelMany leaves another state than cancel/,
    plant: (own) => ({
      cancelMany: async (tx, items, call) => {
        if (items.length > 1) await own.cancelMany?.(tx, items.slice(0, -1), call);
      },
    }),
  },
  {
    wrong: "a cancel that its database refuses",
    law: "reserve, then cancel, is nothing",
    says: /cancel of take throws: new row for relation "account" violates check constraint "account_frozen_check" \(Failed query: update account/,
    plant: () => ({
      cancel: async ({ orm }, { account }) => {
        await orm.execute(sql`update account set frozen = -1 where id = ${account}`);
      },
    }),
  },
  {
    wrong: "a confirm that throws where no apply is written",
    law: "apply, then undo, is nothing, or what is declared",
    says: /reserve and confirm in one \(of take\) throws: it is gone/,
    plant: () => ({ confirm: throws("it is gone") }),
  },
  {
    wrong: "an apply that was written and throws",
    law: "apply, then undo, is nothing, or what is declared",
    says: /apply of take throws: it is gone/,
    plant: () => ({ apply: throws("it is gone") }),
  },
  {
    wrong: "a bug, which preparing has nothing to do with",
    law: "it can be left prepared",
    says: /take throws before it is prepared: it is gone\.(?!\.)/,
    plant: () => ({ reserve: throws("it is gone.") }),
  },
  {
    wrong: "a reserveMany that throws",
    law: "many at once are the same as one after the other",
    says: /reserveMany of take throws: it is gone/,
    plant: () => ({ reserveMany: throws("it is gone") }),
  },
  {
    wrong: "a cancel that does nothing, and tells the input in short",
    law: "reserve, then cancel, is nothing",
    says: /Counterexample: \[(?:after: [^[\]]*; )?input: \{"account":"\w+","cents":\d+n\}\]/,
    plant: () => ({ cancel: async () => undefined }),
  },
  {
    wrong: "a reserve that minds what came before, and tells that in short",
    law: "reserve, then cancel, is nothing",
    says: /Counterexample: \[after: (?:(?:put|take) \{[^{}]*\}(?:, |; ))+input: \{[^{}]*\}\]/,
    runs: 300, // so that money is put on the account before
    plant: (own) => ({
      reserve: async (tx, input, call) => {
        const [known] = await tx.sql`select 1 from account where id = 'a' and balance > 200`;
        if (known) throw new TypeError("richer than before");
        return own.reserve(tx, input, call);
      },
    }),
  },
  {
    wrong: "a NOTIFY",
    law: "it can be left prepared",
    says: /take cannot be prepared: .*NOTIFY/,
    plant: (own) => reservesAfter(own, ({ sql }) => sql`select pg_notify('taken', '')`),
  },
  {
    wrong: "a temporary table",
    law: "it can be left prepared",
    says: /take cannot be prepared: .*temporary objects/,
    plant: (own) => ({
      confirm: async (tx, ...given) => {
        await tx.sql`create temporary table scratch () on commit drop`;
        await own.confirm(tx, ...given);
      },
    }),
  },
  {
    wrong: "a cursor WITH HOLD",
    law: "it can be left prepared",
    says: /take cannot be prepared: .*WITH HOLD/,
    plant: (own) => reservesAfter(own, ({ sql }) => sql`declare held cursor with hold for select 1`),
  },
  {
    wrong: "an operation that refuses whatever it is asked",
    law: "reserve, then cancel, is nothing",
    says: /take accepts none of the inputs it is asked for/,
    plant: () => ({ reserve: async (_tx, _input, call) => call.reject("TOO_LITTLE") }),
  },
  {
    wrong: "that nothing was refused of what may be",
    law: "what says no leaves nothing",
    says: /take declares \w+(?:, \w+)* and refuses none of 200 inputs, so this tells nothing: let `inputs.take`/,
    plant: () => ({ reserve: async (_tx, { cents }) => ({ cents }), confirm: async () => undefined }),
  },
];

await onServer(
  "wrong operations",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const { wrong, law, says, plant, before, runs } of all) {
      it(`finds ${wrong}`, { timeout: 240_000 }, async () => {
        const right = bankSubject(server);
        const { laws, end } = operationLaws({
          ...right,
          ...(runs === undefined ? {} : { runs }),
          perform: (database) => {
            const performances = right.perform(database);
            return { ...performances, take: { ...performances.take, ...plant(performances.take, database) } };
          },
          on: async () => {
            const opened = await right.on();
            if (before) await createdAnd(opened.database, before);
            return opened;
          },
        } as Parameters<typeof operationLaws>[0]);
        try {
          const found = laws.find((one) => one.operation === "take" && one.law === law);
          assert.ok(found, `there is a law "${law}"`);
          await assert.rejects(found.check(), ({ message }: Error) => {
            assert.match(message, says);
            return true;
          });
        } finally {
          await end();
        }
      });
    }

    it("has something planted for every law", () => {
      const { laws } = operationLaws(bankSubject(server));
      const planted = new Set(all.map(({ law }) => law));
      assert.deepEqual([...new Set(laws.map(({ law }) => law))].sort(), [...planted].sort());
    });
  },
);

async function createdAnd(database: Database, before: (database: Database) => Promise<unknown>): Promise<void> {
  await createFence(database.sql);
  await before(database);
}
