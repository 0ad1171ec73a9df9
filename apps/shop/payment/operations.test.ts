import { operationConformance } from "@mortise/kernel/testing/operations";
import { WalletOperations } from "@mortise/proto/shop/payment";
import { asc, ne, sum } from "drizzle-orm";
import fc from "fast-check";
import { serviceDatabase } from "../shared/database.fixture.ts";
import { ledger } from "./ledger.ts";
import { walletOperations } from "./operations.ts";
import { journal, payments, points, wallets } from "./schema.ts";

const database = await serviceDatabase("payment");
const books = ledger(database.orm, { cents: 50_000n, currency: "EUR" });
const users = ["ann", "bob"];
for (const user of users) await books.balance(user); // opens the wallets
await database.orm.transaction(async (tx) => {
  const wanted = { userId: "ann", cents: 500n, currency: "EUR" };
  await books.charge(tx, "paid", wanted);
  await books.hold(tx, "held", wanted);
  await books.bar(tx, "barred");
});

const orderId = fc.uuid();
const userId = fc.constantFrom(...users);
const amount = fc.record({ cents: fc.bigInt({ min: 1n, max: 60_000n }), currency: fc.constant("EUR") });
const done = fc.constantFrom("paid", "held", "barred"); // what was done about these orders before
const paid = fc.record({ orderId, userId, amount });
const small = { cents: 1_000n, currency: "EUR" };
const wrong = fc.constantFrom({ cents: 0n, currency: "EUR" }, { cents: 1n, currency: "USD" });

operationConformance({
  operations: WalletOperations,
  perform: ({ orm }) => walletOperations(ledger(orm, { cents: 50_000n, currency: "EUR" }), "EUR"),
  on: async () => ({ database }),
  inputs: {
    charge: fc.oneof(
      { arbitrary: paid, weight: 5 },
      fc.record({ orderId, userId, amount: wrong }),
      fc.record({ orderId: done, userId, amount }),
    ),
    bar: fc.oneof({ arbitrary: fc.record({ orderId }), weight: 3 }, fc.record({ orderId: done })),
    refund: fc.record({ orderId }),
    reward: paid,
  },
  given: { refund: ({ orm }, payment) => books.charge(orm, payment.orderId, { userId: "ann", ...small }) },
  // What was charged and refunded is told by the journal, line by line; here its sum counts.
  observe: async ({ orm }) => ({
    wallets: await orm.select().from(wallets).orderBy(asc(wallets.userId)),
    journal: await orm
      .select({ userId: journal.userId, cents: sum(journal.cents) })
      .from(journal)
      .groupBy(journal.userId)
      .orderBy(asc(journal.userId)),
    points: await orm.select().from(points).orderBy(asc(points.orderId)),
    payments: await orm.select().from(payments).where(ne(payments.state, "REFUNDED")).orderBy(asc(payments.orderId)),
  }),
});
