import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { type ProductQuery, ProductSort } from "@mortise/proto/shop/inventory";
import fc from "fast-check";
import { serviceDatabase } from "../shared/database.fixture.ts";
import { catalogue } from "./catalogue.ts";
import type { Line } from "./rules.ts";
import { seedProducts } from "./seed.ts";
import type { Along } from "./stock.ts";
import { deduct, freeze, release } from "./stock.ts";

const { orm } = await serviceDatabase("inventory");
const goods = catalogue(orm);
const stock = {
  freeze: (orderId: string, lines: readonly Line[]) => orm.transaction((tx) => freeze(tx, orderId, lines)),
  deduct: (orderId: string, along: Along) => orm.transaction((tx) => deduct(tx, orderId, along)),
  release: (orderId: string) => orm.transaction((tx) => release(tx, orderId)),
};
await goods.seed(seedProducts);

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
const nothingAlong = async () => undefined;
const everything: ProductQuery = {
  text: "",
  category: "",
  minCents: 0n,
  maxCents: 0n,
  inStock: false,
  sort: ProductSort.UNSPECIFIED,
  pageSize: 0,
  pageToken: "",
};
let orders = 0;
const newOrder = () => `order-${++orders}`;

async function level(sku: string) {
  const [found] = await goods.levels([sku]);
  assert.ok(found);
  return found;
}

describe("stock", () => {
  it("is promised, taken and told once, whatever is repeated", async () => {
    const orderId = newOrder();
    const lines = [{ sku: "two-cups", quantity: 3 }];
    const before = await level("two-cups");
    await stock.freeze(orderId, lines);
    await stock.freeze(orderId, lines);
    assert.deepEqual(await level("two-cups"), { ...before, frozen: before.frozen + 3 });
    let told = 0;
    const along = async () => {
      told += 1;
    };
    await stock.deduct(orderId, along);
    await stock.deduct(orderId, along);
    assert.deepEqual(await level("two-cups"), { ...before, onHand: before.onHand - 3 });
    assert.equal(told, 2);
    await stock.release(orderId);
    await stock.release(orderId);
    assert.deepEqual(await level("two-cups"), before);
  });

  it("is not promised after it was given back, even if that came first", async () => {
    const orderId = newOrder();
    await stock.release(orderId);
    const lines = [{ sku: "brew-kettle", quantity: 1 }];
    await assert.rejects(stock.freeze(orderId, lines), reason("ORDER_RELEASED"));
    await assert.rejects(stock.deduct(orderId, nothingAlong), reason("ORDER_RELEASED"));
    await assert.rejects(stock.deduct(newOrder(), nothingAlong), reason("NOT_FROZEN"));
  });

  it("is promised for all lines or none", async () => {
    const before = await goods.levels(["noon-clock", "kumiko-lantern"]);
    const lines = [
      { sku: "noon-clock", quantity: 1 },
      { sku: "kumiko-lantern", quantity: 4 },
    ];
    await assert.rejects(stock.freeze(newOrder(), lines), reason("OUT_OF_STOCK"));
    const unknown = [...lines.slice(0, 1), { sku: "unicorn", quantity: 1 }];
    await assert.rejects(stock.freeze(newOrder(), unknown), reason("NO_SUCH_PRODUCT"));
    assert.deepEqual(await goods.levels(["noon-clock", "kumiko-lantern"]), before);
  });

  it("is never oversold, however many ask at once and in whatever order", async () => {
    const pair = ["kumiko-lantern", "work-bench"];
    const wants = Array.from({ length: 40 }, (_, index) => {
      const skus = index % 2 === 0 ? pair : [...pair].reverse();
      return stock.freeze(
        newOrder(),
        skus.map((sku) => ({ sku, quantity: 1 })),
      );
    });
    const got = (await Promise.allSettled(wants)).filter((result) => result.status === "fulfilled");
    assert.equal(got.length, 2);
    const [lantern, bench] = await goods.levels(pair);
    assert.deepEqual([lantern?.frozen, bench?.frozen], [2, 2]);
  });

  it("of one order has one fate, however its steps race", async () => {
    const before = await level("beech-mallet");
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(["freeze", "freeze", "deduct", "release", "release"]), async (steps) => {
        const orderId = newOrder();
        const run = {
          freeze: () => stock.freeze(orderId, [{ sku: "beech-mallet", quantity: 2 }]),
          deduct: () => stock.deduct(orderId, nothingAlong),
          release: () => stock.release(orderId),
        };
        await Promise.allSettled(steps.map((step) => run[step as keyof typeof run]()));
        await stock.release(orderId);
        assert.deepEqual(await level("beech-mallet"), before);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the catalogue", () => {
  it("stays as it is when it is seeded again", async () => {
    const before = await goods.levels(["two-cups"]);
    await goods.seed(seedProducts.map((product) => ({ ...product, onHand: 1 })));
    assert.deepEqual(await goods.levels(["two-cups"]), before);
  });

  it("shows every product once over its pages", async () => {
    for (const sort of Object.values(ProductSort.values)) {
      const seen: string[] = [];
      let pageToken = "";
      do {
        const page = await goods.page({ ...everything, sort, pageSize: 7, pageToken });
        assert.equal(page.total, seedProducts.length);
        seen.push(...page.rows.map((row) => row.sku));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      assert.deepEqual([...seen].sort(), seedProducts.map((product) => product.sku).sort());
    }
  });

  it("filters by words, category, price and stock", async () => {
    const skus = async (filter: Partial<ProductQuery>) =>
      (await goods.page({ ...everything, ...filter })).rows.map((row) => row.sku);
    assert.deepEqual(await skus({ text: "READING light" }), ["crane-light"]);
    assert.deepEqual(await skus({ text: "100%" }), []);
    assert.equal((await skus({ category: "Garden" })).length, 4);
    assert.ok(!(await skus({ category: "Garden", inStock: true })).includes("wren-house"));
    assert.deepEqual(await skus({ minCents: 100_000n }), ["work-bench"]);
    assert.deepEqual(await skus({ maxCents: 1_600n }), ["grid-notebook"]);
    const dear = await skus({ sort: ProductSort.PRICE_DESCENDING });
    assert.equal(dear[0], "work-bench");
  });

  it("refuses page tokens that are not its own", async () => {
    await assert.rejects(goods.page({ ...everything, pageToken: "nonsense" }), reason("BAD_PAGE_TOKEN"));
    const negative = Buffer.from('["-1"]').toString("base64url");
    await assert.rejects(goods.page({ ...everything, pageToken: negative }), reason("BAD_PAGE_TOKEN"));
  });
});
