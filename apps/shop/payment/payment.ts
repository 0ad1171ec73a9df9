import { join } from "node:path";
import { defineService, store } from "@mortise/kernel";
import { EntryKind, type Payment, PaymentState, Payments, WalletOperations } from "@mortise/proto/shop/payment";
import { z } from "zod";
import { timestampOf } from "../shared/instant.ts";
import { cut, pageSize, pageStart, pageToken } from "../shared/paging.ts";
import { refusal } from "../shared/refusal.ts";
import { type EntryRow, ledger, type PaymentRow } from "./ledger.ts";
import { walletOperations } from "./operations.ts";
import { checkAmount, checkTopUp } from "./rules.ts";

/** Wallets and the payments of orders. */
export const payment = defineService(Payments, {
  name: "payment",
  description: "Wallets of the shop: top up, charge, refund, journal",
  needs: { store },
  operations: WalletOperations,
  options: z.strictObject({
    database: z.string().default("shop_payment"),
    currency: z.string().length(3).default("EUR"),
    /** What a new wallet holds, in cents. */
    welcomeCents: z.number().int().nonnegative().default(50_000),
  }),
  setup: async ({ deps, options }) => {
    const { currency } = options;
    const database = await deps.store.database(options.database);
    await database.migrate(join(import.meta.dirname, "drizzle"));
    const books = ledger(database.orm, { cents: BigInt(options.welcomeCents), currency });
    const wallet = async (userId: string, cents: bigint) => ({
      userId,
      balance: { cents, currency },
      points: await books.points(userId),
    });

    return {
      handlers: {
        getWallet: async ({ userId }) => wallet(named(userId), await books.balance(userId)),
        topUp: async ({ userId, amount, requestId }) => {
          checkAmount(amount, currency);
          checkTopUp(amount.cents);
          return wallet(named(userId), await books.topUp(userId, amount.cents, requestId));
        },
        getPayment: async ({ orderId }) => {
          const row = await books.payment(orderId);
          if (!row) throw refusal("NOT_FOUND", "NO_SUCH_PAYMENT", "This order was not charged.", { orderId });
          return toPayment(row);
        },
        listEntries: async (query) => {
          const size = pageSize(query.pageSize, 20);
          const { rows, more } = cut(await books.entries(query.userId, startOf(query.pageToken), size + 1), size);
          const last = rows.at(-1);
          return {
            entries: rows.map((row) => toEntry(row, currency)),
            nextPageToken: more && last ? pageToken([String(last.id)]) : "",
          };
        },
      },
      perform: { on: database, operations: walletOperations(books, currency) },
    };
  },
});

function named(userId: string): string {
  if (userId === "") throw refusal("INVALID_ARGUMENT", "BAD_FIELD", "userId is missing", { field: "userId" });
  return userId;
}

function startOf(token: string): bigint | undefined {
  const [id] = pageStart(token, 1) ?? [];
  if (id === undefined) return undefined;
  if (/^\d{1,18}$/.test(id)) return BigInt(id);
  throw refusal("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", "pageToken is not one that a page of this list gave");
}

function toPayment({ orderId, state, cents, currency }: PaymentRow): Payment {
  return { orderId, state: PaymentState[state], amount: { cents, currency } };
}

function toEntry(row: EntryRow, currency: string) {
  return {
    id: row.id,
    kind: EntryKind[row.kind],
    amount: { cents: row.cents, currency },
    balance: { cents: row.balanceCents, currency },
    orderId: row.kind === "CHARGE" || row.kind === "REFUND" ? row.reference : "",
    at: timestampOf(row.at),
  };
}
