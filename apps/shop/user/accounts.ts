import type { Orm } from "@mortise/kernel";
import { eq, sql } from "drizzle-orm";
import { users } from "./schema.ts";

/** A customer as the database has it, without what proves who they are. */
export interface AccountRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly createdAt: Date;
}

export interface NewUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
}

const account = { id: users.id, email: users.email, name: users.name, createdAt: users.createdAt };

/** Everything this service asks of its database. */
export function accounts(orm: Orm) {
  const byId = orm
    .select(account)
    .from(users)
    .where(eq(users.id, sql.placeholder("id")))
    .prepare("account_by_id");
  const byEmail = orm
    .select({ ...account, passwordHash: users.passwordHash })
    .from(users)
    .where(eq(users.email, sql.placeholder("email")))
    .prepare("account_by_email");

  return {
    /** The account, or nothing when the e-mail address is taken. */
    insert: async (user: NewUser): Promise<AccountRow | undefined> => {
      const rows = await orm.insert(users).values(user).onConflictDoNothing({ target: users.email }).returning(account);
      return rows[0];
    },
    rename: async (id: string, name: string): Promise<AccountRow | undefined> => {
      const rows = await orm.update(users).set({ name }).where(eq(users.id, id)).returning(account);
      return rows[0];
    },
    byId: async (id: string): Promise<AccountRow | undefined> => (await byId.execute({ id }))[0],
    byEmail: async (email: string) => (await byEmail.execute({ email }))[0],
  };
}
