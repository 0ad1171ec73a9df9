import { join } from "node:path";
import { type Context, defineService, publisher, StatusError, store } from "@mortise/kernel";
import { Inventory, type Product, type Stock, StockDeducted, StockOperations } from "@mortise/proto/shop/inventory";
import { OrderPaid } from "@mortise/proto/shop/order";
import { z } from "zod";
import { makeChanges, watch } from "../shared/changes.ts";
import type { Transaction } from "../shared/database.ts";
import { channel, makeRelay, post } from "../shared/outbox.ts";
import { catalogue, type ProductRow } from "./catalogue.ts";
import { stockOperations } from "./operations.ts";
import { noSuchProduct } from "./rules.ts";
import { outbox } from "./schema.ts";
import { seedProducts } from "./seed.ts";
import { deduct } from "./stock.ts";

/** The catalogue and its stock. */
export const inventory = defineService(Inventory, {
  name: "inventory",
  description: "Products and stock of the shop: search, promise, give out",
  needs: { store, deducted: publisher(StockDeducted) },
  operations: StockOperations,
  topics: { orderPaid: OrderPaid },
  options: z.strictObject({
    database: z.string().default("shop_inventory"),
    /** Fill the catalogue with the demonstration products. */
    seed: z.boolean().default(true),
    /** How often the outbox is looked through for events of a process that ended. */
    relayEveryMs: z.number().int().positive().default(500),
    /** How late a watcher may see a change made by another process. */
    watchPollMs: z.number().int().positive().default(1_000),
  }),
  setup: async ({ deps, options, ports, log }) => {
    const database = await deps.store.database(options.database);
    await database.migrate(join(import.meta.dirname, "drizzle"));
    const goods = catalogue(database.orm);
    if (options.seed) await goods.seed(seedProducts);
    const changes = makeChanges(ports);
    const channels = [channel(StockDeducted, deps.deducted)];
    const relay = makeRelay({
      database,
      service: "inventory",
      outbox,
      channels,
      ports,
      log,
      everyMs: options.relayEveryMs,
    });

    async function takeOut(orderId: string, call: Context): Promise<void> {
      const along = (tx: Transaction) => post(tx, outbox, StockDeducted, { orderId }, call);
      await database.orm.transaction((tx) => deduct(tx, orderId, along));
      changes.notify();
      relay.wake();
    }

    async function productsOf(skus: readonly string[]): Promise<Product[]> {
      const bySku = new Map((await goods.bySkus(skus)).map((row) => [row.sku, row]));
      return skus.map((sku) => {
        const row = bySku.get(sku);
        if (!row) throw noSuchProduct(sku);
        return toProduct(row);
      });
    }

    async function* levels(skus: readonly string[], call: Context): AsyncGenerator<{ levels: readonly Stock[] }> {
      const watched = {
        read: () => goods.levels(skus),
        version: (levels: readonly Stock[]) => JSON.stringify(levels),
        final: () => false,
        changes,
        pollMs: options.watchPollMs,
      };
      for await (const found of watch<readonly Stock[]>(watched, call)) yield { levels: found };
    }

    return {
      handlers: {
        listProducts: async (query) => {
          const { rows, total, nextPageToken } = await goods.page(query);
          return { products: rows.map(toProduct), total, nextPageToken };
        },
        getProduct: async ({ sku }) => (await productsOf([sku]))[0] ?? Promise.reject(noSuchProduct(sku)),
        getProducts: async ({ skus }) => ({ products: await productsOf(skus) }),
        listCategories: async () => ({ categories: await goods.categories() }),
        getStock: async ({ skus }) => ({ levels: await goods.levels(skus) }),
        watchStock: ({ skus }, call) => levels(skus, call),
      },
      perform: { on: database, operations: stockOperations(() => changes.notify()) },
      on: {
        orderPaid: async ({ orderId }, call) => {
          try {
            await takeOut(orderId, call);
          } catch (error) {
            if (!(error instanceof StatusError && error.reason === "ORDER_RELEASED")) throw error;
            log.info("an order was called off before its goods left", { orderId });
          }
        },
      },
      ready: () => relay.start(),
      stop: () => relay.stop(),
    };
  },
});

function toProduct({ priceCents, currency, available, ...row }: ProductRow): Product {
  return { ...row, price: { cents: priceCents, currency }, available };
}
