import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { eventually } from "@mortise/kernel/testing";
import { type Answer, Browser, type OrderJson } from "./browser.ts";
import { seedProducts } from "./inventory/seed.ts";
import { patience } from "./patience.fixture.ts";
import { launchShop, type ShopProcess, startShop } from "./shop-process.ts";

const limits = { timeout: 900_000 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const kills = 20;
/** On a busy machine, where a start takes long, there are fewer. */
const killingMs = 130_000;
const customers = 6;
const skus = ["terracotta-pot", "grid-notebook", "two-cups", "beeswax-trio", "brass-pen"];
/** Each may be used once by each customer. */
const campaigns = Array.from({ length: 10 }, (_, n) => ({ code: `OFF${n}`, title: "Off", percent: 10 + n }));
const settings = [
  ...patience,
  ...[
    ...["remindAfterMs=1500", "remindEveryMs=100", "relayEveryMs=100"],
    ...["payWithinMs=1500", "expireEveryMs=100", "dropAgainMs=500"],
  ].map((set) => `options.service/order.${set}`),
  "options.transactions/runtime.leaseMs=1500",
  `options.service/marketing.campaigns=${JSON.stringify(campaigns)}`,
];

const dataDir = mkdtempSync(join(tmpdir(), "shop-kill-"));
let shop: ShopProcess | undefined;
after(async () => {
  await shop?.kill();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Cookies outlive the shop, whose sessions are in its database; addresses do not. */
const cookies: string[] = [];
const confirmed = new Set<string>();

it("loses no confirmed order and leaves nothing frozen, however often the shop is killed", limits, async (test) => {
  shop = await startShop({ dataDir, set: settings });
  await openAccounts(shop);
  const began = performance.now();
  let round = 0;
  for (; round < kills && performance.now() - began < killingMs; round++) {
    // Every fourth shop is killed while it starts, the others under load.
    if (round % 4 === 3) await killAtStart();
    else await killUnderLoad(shop ?? (await startShop({ dataDir, set: settings })));
    shop = undefined;
    await eventually(() => !postgresRuns(), 90_000);
  }
  shop = await startShop({ dataDir, set: settings });
  const ordersOfEach = await Promise.all(browsers(shop).map(finalOrders));
  const orders = ordersOfEach.flat();
  const completed = orders.filter((order) => order.status === "COMPLETED");
  const interrupted = orders.length - completed.length;
  const reduced = completed.filter(({ coupon }) => coupon !== "").length;
  test.diagnostic(
    `${round} kills, ${confirmed.size} confirmed, ${completed.length} completed, ${reduced} with a coupon, ${interrupted} given up`,
  );
  const underLoad = confirmed.size - customers;
  assert.ok(underLoad >= round / 4, `only ${underLoad} orders were confirmed under load`);
  const ids = new Set(completed.map((order) => order.id));
  const lost = [...confirmed].filter((id) => !ids.has(id));
  assert.deepEqual(lost, [], "confirmed orders were lost");
  await nothingFrozen(new Browser(shop.url));
  await stockAddsUp(new Browser(shop.url), completed);
  await moneyAddsUp(browsers(shop), completed);
  assert.ok(reduced >= customers, `only ${reduced} orders were bought with a coupon`);
  for (const [index, browser] of browsers(shop).entries()) await couponsAddUp(browser, ordersOfEach[index] ?? []);
  assert.equal(await shop.stop(), 0);
  await eventually(() => !postgresRuns(), 90_000);
});

async function killUnderLoad(running: ShopProcess): Promise<void> {
  assert.ok(postgresRuns());
  const before = confirmed.size;
  const load = browsers(running).map(buyUntilKilled);
  if (Math.random() < 0.7) await eventually(() => confirmed.size > before, 90_000);
  await pause(Math.random() * 800);
  await running.kill();
  await Promise.all(load);
}

async function killAtStart(): Promise<void> {
  const launched = launchShop({ dataDir, set: settings });
  await Promise.race([pause(Math.random() * 2_000), launched.opened]);
  await launched.kill();
}

async function openAccounts({ url }: ShopProcess): Promise<void> {
  for (let index = 0; index < customers; index++) {
    const browser = new Browser(url);
    await browser.register(`Customer ${index}`);
    for (let times = 0; times < 3; times++)
      await browser.post("/api/wallet/top-up", { cents: 900_000 }, { "idempotency-key": crypto.randomUUID() });
    await buysWithCoupon(browser);
    cookies.push(browser.cookie);
  }
}

/** So that at least one coupon of everybody is used, however slow all else is. */
async function buysWithCoupon(browser: Browser): Promise<void> {
  const key = crypto.randomUUID();
  const order = await eventually(async () => {
    const { status, body } = await browser.order({ "two-cups": 1 }, key, campaigns[0]?.code);
    return status < 202 ? body : undefined;
  }, 90_000);
  assert.equal(order.coupon, campaigns[0]?.code);
  confirmed.add(order.id);
}

function browsers({ url }: ShopProcess): Browser[] {
  return cookies.map((cookie) => new Browser(url, cookie));
}

/** Orders again and again, and keeps what the shop has confirmed. A part is ordered with a coupon, twice at the same time. */
async function buyUntilKilled(browser: Browser): Promise<void> {
  for (;;) {
    const items = { [oneOf(skus)]: 1, [oneOf(skus)]: 1 };
    const { code } = oneOf(campaigns);
    const asked = Math.random() < 0.25 ? [code, code] : [""];
    const made = await Promise.allSettled(asked.map((coupon) => bought(browser, items, coupon)));
    for (const one of made) if (one.status === "fulfilled" && one.value.status < 202) confirmed.add(one.value.body.id);
    if (made.some(({ status }) => status === "rejected")) return;
  }
}

function oneOf<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)] as T;
}

/** Every third order is paid later, and some of these never. */
async function bought(browser: Browser, items: Readonly<Record<string, number>>, coupon: string): Promise<Answer> {
  const chance = Math.random();
  if (chance > 0.33) return browser.order(items, undefined, coupon);
  const held = await browser.orderUnpaid(items, undefined, coupon);
  if (held.status === 201 && chance > 0.08) return browser.pay(held.body.id);
  return { ...held, status: 202 }; // nothing is confirmed yet
}

/** All orders of a customer once every one of them has come to its end. */
async function finalOrders(browser: Browser): Promise<OrderJson[]> {
  return eventually(async () => {
    const orders = await allOrders(browser);
    return orders.every(({ status }) => status === "COMPLETED" || status === "CANCELLED") ? orders : undefined;
  }, 120_000);
}

async function allOrders(browser: Browser): Promise<OrderJson[]> {
  const orders: OrderJson[] = [];
  for (let token = "", more = true; more; ) {
    const { body } = await browser.get(`/api/orders?pageSize=100&pageToken=${token}`);
    orders.push(...body.orders);
    token = body.nextPageToken;
    more = token !== "";
  }
  return orders;
}

/** Transactions of no order that is listed are recovered, too. */
async function nothingFrozen(browser: Browser): Promise<void> {
  await eventually(async () => {
    const { body } = await browser.get(`/api/stock?${skus.map((sku) => `sku=${sku}`).join("&")}`);
    return body.levels.every(({ frozen }: { readonly frozen: number }) => frozen === 0);
  }, 120_000);
}

async function stockAddsUp(browser: Browser, completed: readonly OrderJson[]): Promise<void> {
  const { body } = await browser.get(`/api/stock?${skus.map((sku) => `sku=${sku}`).join("&")}`);
  for (const level of body.levels) {
    const lines = completed.flatMap((order) => order.lines).filter((line) => line.sku === level.sku);
    const sold = lines.reduce((sum, line) => sum + line.quantity, 0);
    const began = seedProducts.find((product) => product.sku === level.sku)?.onHand ?? 0;
    assert.deepEqual(level, { sku: level.sku, onHand: began - sold, frozen: 0 });
  }
}

async function moneyAddsUp(all: readonly Browser[], completed: readonly OrderJson[]): Promise<void> {
  const balances = await Promise.all(all.map((browser) => browser.balance()));
  const left = balances.reduce((sum, cents) => sum + cents, 0);
  const spent = completed.reduce((sum, order) => sum + order.total.cents, 0);
  assert.equal(left + spent, customers * (50_000 + 3 * 900_000));
}

/** What a customer has used is what orders that stand were bought with, each once; of those that do not it was given back. */
async function couponsAddUp(browser: Browser, orders: readonly OrderJson[]): Promise<void> {
  const standing = orders.filter(({ status, coupon }) => status === "COMPLETED" && coupon !== "");
  for (const { id, coupon, total, discount } of standing) {
    const { percent = 0 } = campaigns.find(({ code }) => code === coupon) ?? {};
    const full = total.cents + discount.cents;
    assert.equal(discount.cents, Math.floor((full * percent) / 100), `what ${coupon} took off order ${id}`);
  }
  const bought = standing.map(({ coupon }) => coupon).sort();
  assert.deepEqual(bought, [...new Set(bought)], "a coupon was used for several orders");
  const used = async () => {
    const { coupons } = (await browser.get("/api/coupons")).body;
    return coupons.flatMap(({ code, used }) => (used ? [code] : [])).sort();
  };
  // A transaction of no order that is listed may still be giving one back.
  await eventually(async () => (await used()).length <= bought.length, 120_000);
  assert.deepEqual(await used(), bought, "coupons are used otherwise than by orders that stand");
}

/** Whether a PostgreSQL process works on the data. */
function postgresRuns(): boolean {
  const file = join(dataDir, "data", "postmaster.pid");
  return existsSync(file) && isRunning(Number(readFileSync(file, "utf8").split("\n")[0]));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
