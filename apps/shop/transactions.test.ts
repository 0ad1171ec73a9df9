import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "@mortise/kernel/testing";
import { type Answer, Browser, type OrderJson } from "./browser.ts";
import { seedProducts } from "./inventory/seed.ts";
import { patience } from "./patience.fixture.ts";
import { type ShopProcess, startShop } from "./shop-process.ts";

const dataDir = mkdtempSync(join(tmpdir(), "mortise-transactions-"));
const file = join(import.meta.dirname, `.transactions-${process.pid}.yaml`); // services are found beside it
const original = readFileSync(join(import.meta.dirname, "shop.yaml"), "utf8");
const honest = ["xa", "saga", "3pc", "tcc"];
const dishonest = {
  placeOrder: { outbox: "DTX004", message: "DTX004", "best-effort": "DTX007", local: "DTX018" },
  payOrder: { outbox: "DTX006", message: "DTX006", "best-effort": "DTX007", local: "DTX018" },
} as const;
const all = ["placeOrder", "holdOrder", "payOrder", "dropOrder", "cancelOrder"];
const skus = ["terracotta-pot", "grid-notebook", "two-cups", "brass-pen"];
const customers = 4;

describe("the strategy of placing and paying orders", { timeout: 600_000 }, () => {
  let shop: ShopProcess;
  const buyers: Browser[] = [];

  before(async () => {
    writeFileSync(file, original);
    shop = await startShop({ dataDir, set: patience, file: `apps/shop/${file.slice(import.meta.dirname.length + 1)}` });
    for (let index = 0; index < customers; index++) {
      const browser = new Browser(shop.url);
      await browser.register(`Customer ${index}`);
      await browser.post("/api/wallet/top-up", { cents: 900_000 }, { "idempotency-key": crypto.randomUUID() });
      buyers.push(browser);
    }
  });
  after(async () => {
    await shop.stop();
    rmSync(file, { force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  const edit = (names: readonly string[], strategy: string) =>
    writeFileSync(file, original.replace(new RegExp(`(${names.join("|")}): .*`, "g"), `$1: { strategy: ${strategy} }`));

  it("is swapped through every honest one while orders are placed and paid; none fails, and the sums are right", async () => {
    let going = true;
    const confirmed = new Set<string>();
    const dropped = new Set<string>();
    const refused: string[] = [];
    const note = (ids: Set<string>, { status, body }: Answer) => {
      if (status === 200 || status === 201) ids.add(body.id);
      else refused.push(JSON.stringify(body));
    };
    /** Pays at once, pays later, or thinks better of it. */
    const buy = async (browser: Browser, index: number) => {
      for (let count = index; going; count++) {
        const items = { [skus[count % skus.length] ?? ""]: 1 };
        if (count % 3 === 0) {
          note(confirmed, await browser.order(items));
          continue;
        }
        const { id } = (await browser.orderUnpaid(items)).body;
        if (count % 5 === 0) note(dropped, await browser.post(`/api/orders/${id}/cancel`));
        else note(confirmed, await browser.pay(id));
      }
    };
    const load = buyers.map(buy);
    for (const strategy of honest) {
      const seen = confirmed.size;
      const changes = () => shop.output().split("configuration is applied").length;
      const changed = changes();
      edit(all, strategy);
      await eventually(() => changes() > changed, 90_000);
      await eventually(() => confirmed.size > seen + 8, 90_000);
    }
    going = false;
    await Promise.all(load);
    assert.deepEqual(refused, []);
    const every = (await Promise.all(buyers.map(finalOrders))).flat();
    const orders = every.filter(({ status }) => status === "COMPLETED");
    const idsOf = (some: readonly OrderJson[]) => some.map(({ id }) => id).sort();
    assert.deepEqual(idsOf(orders), [...confirmed].sort());
    assert.deepEqual(idsOf(every.filter(({ status }) => status === "CANCELLED")), [...dropped].sort());
    for (const level of await levels()) {
      const lines = orders.flatMap((order) => order.lines).filter((line) => line.sku === level.sku);
      const began = seedProducts.find((product) => product.sku === level.sku)?.onHand ?? 0;
      assert.deepEqual(level, { sku: level.sku, onHand: began - lines.length, frozen: 0 });
    }
    const left = (await Promise.all(buyers.map((browser) => browser.balance()))).reduce((sum, one) => sum + one, 0);
    const spent = orders.reduce((sum, order) => sum + order.total.cents, 0);
    assert.equal(left + spent, customers * (50_000 + 900_000));
  });

  for (const [name, refusals] of Object.entries(dishonest)) {
    for (const [strategy, code] of Object.entries(refusals)) {
      it(`of ${name} is refused as ${strategy}, with ${code} and the place, and the shop goes on`, async () => {
        const line = original.split("\n").findIndex((one) => one.includes(`${name}:`)) + 1;
        const from = shop.output().length;
        edit([name], strategy);
        const told = await eventually(() => {
          const output = shop.output().slice(from);
          return output.includes(code) && output;
        }, 90_000);
        assert.match(told, new RegExp(`:${line}:\\d+ .*${strategy}`));
        const [buyer] = buyers as [Browser];
        const { status, body } = await buyer.orderUnpaid({ "two-cups": 1 });
        assert.deepEqual([status, (await buyer.pay(body.id)).status], [201, 200]);
      });
    }
  }

  async function finalOrders(browser: Browser): Promise<OrderJson[]> {
    return eventually(async () => {
      const orders: OrderJson[] = [];
      for (let token = "", more = true; more; more = token !== "") {
        const { body } = await browser.get(`/api/orders?pageSize=100&pageToken=${token}`);
        orders.push(...body.orders);
        token = body.nextPageToken;
      }
      return orders.every(({ status }) => status === "COMPLETED" || status === "CANCELLED") && orders;
    }, 90_000);
  }

  async function levels(): Promise<readonly { sku: string; onHand: number; frozen: number }[]> {
    const query = skus.map((sku) => `sku=${sku}`).join("&");
    return (await (buyers[0] as Browser).get(`/api/stock?${query}`)).body.levels;
  }
});
