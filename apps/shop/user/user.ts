import { join } from "node:path";
import { defineService, type SessionKind, session, store } from "@mortise/kernel";
import { type Account, User } from "@mortise/proto/shop/user";
import { hash, verify } from "@node-rs/argon2";
import { z } from "zod";
import { timestampOf } from "../shared/instant.ts";
import { refusal } from "../shared/refusal.ts";
import { type AccountRow, accounts } from "./accounts.ts";
import { checkPassword, cleanEmail, cleanName, isUserId } from "./rules.ts";

const login = z.strictObject({ userId: z.uuid() });

/** Customers, their passwords and their sessions. */
export const user = defineService(User, {
  name: "user",
  description: "Customers of the shop: register, log in, sessions, profile",
  needs: { store, session },
  options: z.strictObject({
    database: z.string().default("shop_user"),
    /** Days until a session ends. */
    sessionDays: z.number().positive().default(14),
  }),
  setup: async ({ deps, options, ports }) => {
    const database = await deps.store.database(options.database);
    await database.migrate(join(import.meta.dirname, "drizzle"));
    const data = accounts(database.orm);
    // Checked when no account has the address, so that both cases take the same time.
    const decoy = await hash(ports.ids.hex(16));

    const maxMs = options.sessionDays * 86_400_000;
    const logins: SessionKind<z.output<typeof login>> = { name: "shop-login", schema: login, idleMs: 0, maxMs };

    async function openSession(row: AccountRow) {
      const { id: token, expiresAt } = await deps.session.create(logins, { userId: row.id });
      return { token, expiresAt: timestampOf(new Date(expiresAt)), account: toAccount(row) };
    }

    return {
      handlers: {
        register: async (request) => {
          const email = cleanEmail(request.email);
          const name = cleanName(request.name);
          checkPassword(request.password);
          const passwordHash = await hash(request.password);
          const row = await data.insert({ id: ports.ids.uuid(), email, name, passwordHash });
          if (!row)
            throw refusal("ALREADY_EXISTS", "EMAIL_TAKEN", "There is already an account with this e-mail address.");
          return openSession(row);
        },
        login: async ({ email, password }) => {
          const row = await data.byEmail(email.trim().toLowerCase());
          const right = await verify(row?.passwordHash ?? decoy, password.slice(0, 200));
          if (!row || !right)
            throw refusal("UNAUTHENTICATED", "WRONG_CREDENTIALS", "E-mail address and password do not match.");
          return openSession(row);
        },
        checkSession: async ({ token }) => {
          const opened = await deps.session.get(logins, token);
          const row = opened && (await data.byId(opened.data.userId));
          if (!row) throw refusal("UNAUTHENTICATED", "NO_SESSION", "Please log in.");
          return toAccount(row);
        },
        logout: async ({ token }) => {
          await deps.session.destroy(logins, token);
          return {};
        },
        getProfile: async ({ userId }) => found(isUserId(userId) ? await data.byId(userId) : undefined),
        updateProfile: async ({ userId, name }) =>
          found(isUserId(userId) ? await data.rename(userId, cleanName(name)) : undefined),
      },
    };
  },
});

function found(row: AccountRow | undefined): Account {
  if (!row) throw refusal("NOT_FOUND", "NO_SUCH_USER", "There is no such user.");
  return toAccount(row);
}

function toAccount({ id, email, name, createdAt }: AccountRow): Account {
  return { id, email, name, createdAt: timestampOf(createdAt) };
}
