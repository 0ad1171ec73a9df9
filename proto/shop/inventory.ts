import type { Infer } from "@mortise/kernel/contract";
import {
  bool,
  Empty,
  enumeration,
  field,
  int32,
  int64,
  message,
  operation,
  operations,
  repeated,
  required,
  rpc,
  service,
  stream,
  string,
  topic,
} from "@mortise/kernel/contract";
import { Money } from "./common.ts";

export const Product = message("shop.inventory.v1.Product", {
  sku: string(1),
  name: string(2),
  /** One line for a list. */
  summary: string(3),
  /** A paragraph for the product's own page. */
  description: string(4),
  category: string(5),
  price: required(field(6, Money)),
  /** Names a picture of the storefront. */
  image: string(7),
  /** How many may be bought now. */
  available: int32(8),
});

export const ProductSort = enumeration("shop.inventory.v1.ProductSort", {
  /** As the shop lays them out. */
  UNSPECIFIED: 0,
  NAME: 1,
  PRICE_ASCENDING: 2,
  PRICE_DESCENDING: 3,
});

/** A page of the catalogue. Empty and zero fields do not filter. */
export const ProductQuery = message("shop.inventory.v1.ProductQuery", {
  /** Words that must all appear in name, summary or category. */
  text: string(1),
  category: string(2),
  minCents: int64(3),
  maxCents: int64(4),
  inStock: bool(5),
  sort: field(6, ProductSort),
  /** At most 100; 0 asks for 24. */
  pageSize: int32(7),
  /** From `nextPageToken` of the page before. */
  pageToken: string(8),
});

export const ProductPage = message("shop.inventory.v1.ProductPage", {
  products: repeated(field(1, Product)),
  /** Empty on the last page. */
  nextPageToken: string(2),
  /** All that match, on every page together. */
  total: int32(3),
});

export const Sku = message("shop.inventory.v1.Sku", { sku: string(1) });
export const Skus = message("shop.inventory.v1.Skus", { skus: repeated(string(1)) });
export const Products = message("shop.inventory.v1.Products", { products: repeated(field(1, Product)) });

export const Category = message("shop.inventory.v1.Category", { name: string(1), products: int32(2) });
export const Categories = message("shop.inventory.v1.Categories", { categories: repeated(field(1, Category)) });

/** What is there of one product, and how much of that is promised to orders. */
export const Stock = message("shop.inventory.v1.Stock", { sku: string(1), onHand: int32(2), frozen: int32(3) });
export const StockLevels = message("shop.inventory.v1.StockLevels", { levels: repeated(field(1, Stock)) });

export const Line = message("shop.inventory.v1.Line", { sku: string(1), quantity: int32(2) });

export const Reservation = message("shop.inventory.v1.Reservation", {
  orderId: string(1),
  lines: repeated(field(2, Line)),
});

export const OrderRef = message("shop.inventory.v1.OrderRef", { orderId: string(1) });

/**
 * The catalogue and its stock. Stock is promised to orders and given back by transactions, and leaves the house when
 * an order stands.
 *
 * Reasons: OUT_OF_STOCK (FAILED_PRECONDITION; details `sku`, `available`, `wanted`), ORDER_RELEASED
 * (FAILED_PRECONDITION), NOT_FROZEN (FAILED_PRECONDITION), NO_SUCH_PRODUCT (NOT_FOUND; detail `sku`), BAD_PAGE_TOKEN,
 * BAD_QUANTITY (INVALID_ARGUMENT).
 */
export const Inventory = service("shop.inventory.v1.Inventory", {
  listProducts: rpc(ProductQuery, ProductPage, { readOnly: true }),
  getProduct: rpc(Sku, Product, { readOnly: true }),
  /** The products of these SKUs in the order asked for; fails if one is unknown. */
  getProducts: rpc(Skus, Products, { readOnly: true, criticality: "high" }),
  listCategories: rpc(Empty, Categories, { readOnly: true }),
  getStock: rpc(Skus, StockLevels, { readOnly: true }),
  /** The levels now, and again whenever one of them changes. */
  watchStock: rpc(Skus, stream(StockLevels), { readOnly: true, criticality: "low" }),
});

/** What transactions do with stock. Reasons as above. */
export const StockOperations = operations("shop.inventory.v1.StockOperations", {
  /** Promises stock to an order: all lines or none. It is promised until its goods leave, or it is given back. */
  hold: operation(Reservation, Empty, {
    rejects: ["OUT_OF_STOCK", "NO_SUCH_PRODUCT", "BAD_QUANTITY", "ORDER_RELEASED"],
    undo: true,
    keys: ({ lines }) => lines.map(({ sku }) => `sku:${sku}`),
  }),
  /** Gives back what was promised or has left. */
  giveBack: operation(OrderRef, Empty, { keys: ({ orderId }) => [`order:${orderId}`] }),
});

/** The goods of an order have left the house. */
export const StockDeducted = topic("shop.inventory.v1.StockDeducted", OrderRef, { key: "orderId" });

export type Product = Infer<typeof Product>;
export type ProductQuery = Infer<typeof ProductQuery>;
export type Stock = Infer<typeof Stock>;
export type Line = Infer<typeof Line>;
