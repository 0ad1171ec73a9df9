import { operationConformance } from "@mortise/kernel/testing/operations";
import { StockOperations } from "@mortise/proto/shop/inventory";
import { asc, ne } from "drizzle-orm";
import fc from "fast-check";
import { serviceDatabase } from "../shared/database.fixture.ts";
import { catalogue } from "./catalogue.ts";
import { stockOperations } from "./operations.ts";
import { reservations, stock } from "./schema.ts";
import { seedProducts } from "./seed.ts";
import { freeze } from "./stock.ts";

const database = await serviceDatabase("inventory");
await catalogue(database.orm).seed(seedProducts);

const orderId = fc.uuid();
const sku = fc.oneof(
  { arbitrary: fc.constantFrom("two-cups", seedProducts[0]?.sku ?? ""), weight: 9 },
  fc.constant("no-such-thing"),
);
const quantity = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 9 }), weight: 9 }, fc.constantFrom(0, 900));
const line = fc.record({ sku, quantity });

operationConformance({
  operations: StockOperations,
  perform: () => stockOperations(() => undefined),
  on: async () => ({ database }),
  inputs: {
    hold: fc.record({ orderId, lines: fc.array(line, { minLength: 1, maxLength: 3 }) }),
    giveBack: fc.record({ orderId }),
  },
  given: { giveBack: ({ orm }, order) => freeze(orm, order.orderId, [{ sku: "two-cups", quantity: 1 }]) },
  // That an order was released is no stock; it only bars the order.
  observe: async ({ orm }) => ({
    levels: await orm.select().from(stock).orderBy(asc(stock.sku)),
    promised: await orm
      .select({ id: reservations.orderId, state: reservations.state })
      .from(reservations)
      .where(ne(reservations.state, "RELEASED"))
      .orderBy(asc(reservations.orderId)),
  }),
});
