import type { Orm } from "@mortise/kernel";
import { type ProductQuery, ProductSort } from "@mortise/proto/shop/inventory";
import { and, asc, count, desc, eq, gte, ilike, lte, type SQL, sql } from "drizzle-orm";
import { cut, pageSize, pageStart, pageToken } from "../shared/paging.ts";
import { refusal } from "../shared/refusal.ts";
import { searchPatterns } from "./rules.ts";
import { products, stock } from "./schema.ts";
import type { SeedProduct } from "./seed.ts";

const available = sql<number>`${stock.onHand} - ${stock.frozen}`;
const columns = {
  sku: products.sku,
  name: products.name,
  summary: products.summary,
  description: products.description,
  category: products.category,
  priceCents: products.priceCents,
  currency: products.currency,
  image: products.image,
  available,
};

const sorts: Readonly<Record<number, readonly SQL[]>> = {
  [ProductSort.UNSPECIFIED]: [asc(products.rank)],
  [ProductSort.NAME]: [asc(products.name)],
  [ProductSort.PRICE_ASCENDING]: [asc(products.priceCents), asc(products.name)],
  [ProductSort.PRICE_DESCENDING]: [desc(products.priceCents), asc(products.name)],
};

/** What is asked of the products; changes of stock are in `stock.ts`. */
export function catalogue(orm: Orm) {
  const joined = () => orm.select(columns).from(products).innerJoin(stock, eq(stock.sku, products.sku));
  const bySkus = joined()
    .where(sql`${products.sku} = any(${sql.placeholder("skus")}::text[])`)
    .prepare("products_by_sku");
  const levels = orm
    .select({ sku: stock.sku, onHand: stock.onHand, frozen: stock.frozen })
    .from(stock)
    .where(sql`${stock.sku} = any(${sql.placeholder("skus")}::text[])`)
    .orderBy(asc(stock.sku))
    .prepare("stock_by_sku");

  return {
    bySkus: (skus: readonly string[]) => bySkus.execute({ skus }),
    levels: (skus: readonly string[]) => levels.execute({ skus }),
    categories: () =>
      orm
        .select({ name: products.category, products: count() })
        .from(products)
        .groupBy(products.category)
        .orderBy(sql`min(${products.rank})`),

    page: async (query: ProductQuery) => {
      const size = pageSize(query.pageSize, 24);
      const offset = offsetOf(query.pageToken);
      const where = and(...conditions(query));
      const [found, [counted]] = await Promise.all([
        joined()
          .where(where)
          .orderBy(...(sorts[query.sort] ?? [asc(products.rank)]))
          .limit(size + 1)
          .offset(offset),
        orm.select({ total: count() }).from(products).innerJoin(stock, eq(stock.sku, products.sku)).where(where),
      ]);
      const { rows, more } = cut(found, size);
      return { rows, total: counted?.total ?? 0, nextPageToken: more ? pageToken([String(offset + size)]) : "" };
    },

    /** Fills an empty catalogue; products that are there already stay as they are. */
    seed: (rows: readonly SeedProduct[]) =>
      orm.transaction(async (tx) => {
        const goods = rows.map((row, rank) => ({ ...row, currency: "EUR", image: row.sku, rank }));
        await tx.insert(products).values(goods).onConflictDoNothing();
        const levels = rows.map(({ sku, onHand }) => ({ sku, onHand }));
        await tx.insert(stock).values(levels).onConflictDoNothing();
      }),
  };
}

export type ProductRow = Awaited<ReturnType<ReturnType<typeof catalogue>["bySkus"]>>[number];

function conditions({ text, category, minCents, maxCents, inStock }: ProductQuery): SQL[] {
  const searched = sql`${products.name} || ' ' || ${products.summary} || ' ' || ${products.category}`;
  const wanted = [
    ...searchPatterns(text).map((pattern) => ilike(searched, pattern)),
    category ? eq(products.category, category) : undefined,
    minCents > 0n ? gte(products.priceCents, minCents) : undefined,
    maxCents > 0n ? lte(products.priceCents, maxCents) : undefined,
    inStock ? sql`${stock.onHand} > ${stock.frozen}` : undefined,
  ];
  return wanted.filter((condition) => condition !== undefined);
}

function offsetOf(token: string): number {
  const [text = "0"] = pageStart(token, 1) ?? [];
  const offset = Number(text);
  if (Number.isSafeInteger(offset) && offset >= 0 && offset < 1_000_000) return offset;
  throw refusal("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", "pageToken is not one that a page of this list gave");
}
