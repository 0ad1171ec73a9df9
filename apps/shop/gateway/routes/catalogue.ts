import { ProductSort } from "@mortise/proto/shop/inventory";
import { Hono } from "hono";
import { z } from "zod";
import { readQuery } from "../body.ts";
import type { Backends, Door } from "../door.ts";
import type { Events } from "../events.ts";
import { productView } from "../views.ts";

const cents = z.coerce.number("Give whole cents.").int().nonnegative().max(1e12).default(0);
const sorts = {
  featured: ProductSort.UNSPECIFIED,
  name: ProductSort.NAME,
  "price-ascending": ProductSort.PRICE_ASCENDING,
  "price-descending": ProductSort.PRICE_DESCENDING,
} as const;

const listQuery = z.strictObject({
  text: z.string().max(200).default(""),
  category: z.string().max(100).default(""),
  minCents: cents,
  maxCents: cents,
  inStock: z.enum(["true", "false"]).default("false"),
  sort: z.enum(["featured", "name", "price-ascending", "price-descending"]).default("featured"),
  pageSize: z.coerce.number().int().min(1).max(100).default(24),
  pageToken: z.string().max(500).default(""),
});
const sku = z.string().min(1).max(100);
const stockQuery = z.strictObject({ sku: z.union([sku.transform((one) => [one]), z.array(sku).max(100)]) });

/** Products and their stock; open to everybody. */
export function catalogueRoutes({ inventory }: Backends, events: Events): Hono<Door> {
  return new Hono<Door>()
    .get("/products", async (request) => {
      const { minCents, maxCents, inStock, sort, ...query } = readQuery(request, listQuery);
      const money = { minCents: BigInt(minCents), maxCents: BigInt(maxCents) };
      const asked = { ...query, ...money, inStock: inStock === "true", sort: sorts[sort] };
      const { products, ...page } = await inventory.listProducts(asked, request.var.call);
      return request.json({ ...page, products: products.map(productView) });
    })
    .get("/products/:sku", async (request) => {
      const product = await inventory.getProduct({ sku: request.req.param("sku") }, request.var.call);
      return request.json(productView(product));
    })
    .get("/categories", async (request) => request.json(await inventory.listCategories({}, request.var.call)))
    .get("/stock", async (request) => {
      const { sku: skus } = readQuery(request, stockQuery);
      return request.json(await inventory.getStock({ skus }, request.var.call));
    })
    .get("/stock/events", (request) => {
      const { sku: skus } = readQuery(request, stockQuery);
      return events(
        request,
        "stock",
        (call) => inventory.watchStock({ skus }, call),
        ({ levels }) => levels,
      );
    });
}
