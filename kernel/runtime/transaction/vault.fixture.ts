import { eq, sql as fragment } from "drizzle-orm";
import { bigint, pgTable, text } from "drizzle-orm/pg-core";
import { background } from "../../call/call-context.ts";
import { codecOf, Empty, operation, operations } from "../../contract/index.ts";
import { systemPorts } from "../../core/ports.ts";
import { finishingStatement, nothing, oneStatement } from "../../spi/one-statement.ts";
import type { LocalOperation, Performer } from "../../spi/perform.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { bankDatabase, Movement } from "../../testing/bank.ts";
import type { TestPostgres } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { onePrepared } from "./one-prepared.ts";
import { oneTrip } from "./one-trip.ts";
import { participant } from "./participant.ts";
import { stated } from "./stated.ts";

const facts = { rejects: ["TOO_LITTLE", "TOO_MUCH"], undo: true } as const;
export const vaults = operations("test.vault.v1.Vault", {
  take: operation(Movement, Empty, facts),
  lean: operation(Movement, Empty, facts),
  open: operation(Movement, Empty, { undo: true }),
  drizzle: operation(Movement, Empty, facts),
  idle: operation(Movement, Empty, { undo: true }),
});
export type Take = LocalOperation<(typeof vaults)["operations"]["take"]>;
type Open = LocalOperation<(typeof vaults)["operations"]["open"]>;

export const accounts = pgTable("account", {
  id: text().primaryKey(),
  balance: bigint({ mode: "bigint" }).notNull(),
  frozen: bigint({ mode: "bigint" }).notNull(),
});

/** Sets aside in `frozen`, through postgres.js. */
export const take: Take = {
  reserve: oneStatement({
    write: ({ sql }, { account, cents }, call) => {
      if (cents > 1_000n) call.reject("TOO_MUCH");
      return sql`
        update account set balance = balance - ${String(cents)}::bigint, frozen = frozen + ${String(cents)}::bigint
        where id = ${account} and balance >= ${String(cents)}::bigint returning 1`;
    },
    none: async (_, { account }, call) => call.reject("TOO_LITTLE", `${account} holds less`),
  }),
  confirm: finishingStatement({
    write: ({ sql }, { account, cents }) => sql`
      update account set frozen = frozen - ${String(cents)}::bigint where id = ${account} returning 1`,
  }),
  cancel: finishingStatement({
    write: ({ sql }, { account, cents }) => sql`
      update account set balance = balance + ${String(cents)}::bigint, frozen = frozen - ${String(cents)}::bigint
      where id = ${account} returning 1`,
  }),
  apply: oneStatement({
    write: ({ sql }, { account, cents }, call) => {
      if (cents > 1_000n) call.reject("TOO_MUCH");
      return sql`
        update account set balance = balance - ${String(cents)}::bigint
        where id = ${account} and balance >= ${String(cents)}::bigint returning 1`;
    },
    none: async (_, { account }, call) => call.reject("TOO_LITTLE", `${account} holds less`),
  }),
  undo: finishingStatement({
    write: ({ sql }, { account, cents }) => sql`
      update account set balance = balance + ${String(cents)}::bigint where id = ${account} returning 1`,
  }),
};

export const by = (cents: bigint) => ({ balance: fragment`${accounts.balance} + ${cents}` });

/** The same through drizzle, and without a statement where none is needed: `frozen` is not used. */
const lean: Take = {
  reserve: oneStatement({
    write: ({ orm }, { account, cents }, call) => {
      if (cents > 1_000n) call.reject("TOO_MUCH");
      return orm
        .update(accounts)
        .set(by(-cents))
        .where(fragment`${eq(accounts.id, account)} and ${accounts.balance} >= ${cents}`)
        .returning();
    },
    none: async (_, { account }, call) => call.reject("TOO_LITTLE", `${account} holds less`),
  }),
  confirm: nothing,
  cancel: finishingStatement({
    write: ({ orm }, { account, cents }) =>
      orm.execute(fragment`update account set balance = balance + ${cents} where id = ${account} returning 1`),
  }),
  undo: finishingStatement({
    write: ({ orm }, { account, cents }) =>
      orm.update(accounts).set(by(cents)).where(eq(accounts.id, account)).returning(),
  }),
};

/** Only its confirm does anything. */
const open: Open = {
  reserve: nothing,
  confirm: finishingStatement({
    write: ({ orm }, { account, cents }) =>
      orm.insert(accounts).values({ id: account, balance: cents, frozen: 0n }).onConflictDoNothing().returning(),
    none: async () => undefined,
  }),
  cancel: nothing,
  undo: finishingStatement({
    write: ({ orm }, { account }) => orm.delete(accounts).where(eq(accounts.id, account)).returning(),
    none: async () => undefined,
  }),
};

/** An `apply` through drizzle, and one that does nothing. */
const drizzle: Take = { ...lean, apply: lean.reserve };
const idle: Open = { ...open, apply: nothing };

type Functions = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>;

/** Says nothing of being one statement. */
function asFunctions(own: unknown): LocalOperation {
  const functions = Object.entries(own as Functions).map(
    ([name, work]) => [name, async (...given: never[]) => work(...given)] as const,
  );
  return Object.fromEntries(functions) as unknown as LocalOperation;
}

export interface Asked {
  readonly gid: string;
  readonly action: BranchAction;
  readonly operation?: string;
  readonly account?: string;
  readonly cents?: bigint;
}

/** A branch of one step. */
export const requestOf = ({ gid, action, operation: name = "take", account = "a", cents = 30n }: Asked) => ({
  gid,
  branch: "b1",
  action,
  strategy: "tcc",
  transaction: "test",
  steps: [{ step: "one", operation: name, version: 1, input: codecOf(Movement).encode({ account, cents }) }],
});

/** A participant with two accounts of 100, whose operations are statements, or the same as functions. */
export async function vault(
  server: TestPostgres,
  form: "statements" | "functions",
  at?: (point: string) => void,
  other: Partial<Take> = {},
) {
  const test = await server.database();
  const { database, end } = await bankDatabase(test, { a: 100n, b: 100n });
  await createFence(database.sql);
  const written = { take: { ...take, ...other }, lean, open, drizzle, idle };
  const perform =
    form === "statements"
      ? written
      : Object.fromEntries(Object.entries(written).map(([name, own]) => [name, asFunctions(own)]));
  const performer = { operations: vaults, database, perform } as unknown as Performer;
  const host = participant(performer, { timers: systemPorts.timers, ...(at && { at }) });
  return {
    database,
    trip: oneTrip(performer, stated(performer)),
    waiting: onePrepared(performer, stated(performer), () => undefined),
    drive: (asked: Asked) => host.drive(requestOf(asked), background),
    /** What was answered, or how it failed. */
    ask: async (asked: Asked) => {
      try {
        const { outcome, refusal } = await host.drive(requestOf(asked), background);
        return refusal ? `${outcome} ${refusal.reason} ${refusal.message}` : outcome;
      } catch (error) {
        return String(error);
      }
    },
    left: async () => ({
      accounts: [...(await database.sql`select * from account order by id`)],
      fence: [
        ...(await database.sql`
          select gid, slot::text as slot, kind, operations, strategy, kept from mortise_fence order by gid, slot`),
      ],
    }),
    async [Symbol.asyncDispose]() {
      await end(0);
      await test.drop();
    },
  };
}
