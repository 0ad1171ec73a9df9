// One order from the first click to its trace, on the embedded profile: `npm run smoke`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { systemPorts } from "@mortise/kernel";
import { type Answer, Browser } from "./browser.ts";
import { type ShopProcess, startShop } from "./shop-process.ts";
import { printTrace } from "./smoke-trace.ts";

const say = (text: string) => console.log(text);
const title = (text: string) => say(`\n${styleText("bold", text)}`);
const money = (cents: number) => `€${(cents / 100).toFixed(2)}`;

function expect(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  say(`  ${styleText("green", "✔")} ${what}`);
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = systemPorts.clock.now() + 15_000; systemPorts.clock.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await systemPorts.timers.sleep(20);
  }
  throw new Error("it did not happen within 15 s");
}

async function stockOf(browser: Browser, sku: string): Promise<string> {
  const { levels } = (await browser.get(`/api/stock?sku=${sku}`)).body;
  const [level] = levels;
  return `${level?.onHand} in the house, ${level?.frozen} promised`;
}

async function buy(browser: Browser): Promise<void> {
  title("An order");
  await browser.register("Ada");
  const { email } = (await browser.get("/api/me")).body;
  await browser.post("/api/logout");
  const login = await browser.post("/api/login", { email, password: "correct horse" });
  expect(`${email} registers and logs in`, login.status === 200);
  const before = await browser.balance();
  const placed = await browser.order({ "halo-lamp": 1, "two-cups": 2 });
  expect(`order ${placed.body.id} is placed and paid: ${money(placed.body.total.cents)}`, placed.status === 201);
  const order = await until(async () => {
    const { body } = await browser.get(`/api/orders/${placed.body.id}`);
    return body.status === "COMPLETED" ? body : undefined;
  });
  const steps = order.steps.map((step) => step.status).join(" → ");
  expect(`it is read back: ${steps}`, steps === "PENDING → PAID → COMPLETED");
  const after = await browser.balance();
  expect(`the wallet went from ${money(before)} to ${money(after)}`, before - after === order.total.cents);
  await showTrace(browser, order.traceId);
}

async function buyAndPayLater(browser: Browser): Promise<void> {
  title("An order that is paid later");
  const before = await browser.balance();
  const { status, body } = await browser.orderUnpaid({ "brass-pen": 1 });
  expect(`order ${body.id} is kept until ${body.payBy}`, status === 201 && body.status === "AWAITING_PAYMENT");
  expect(`the wallet is unchanged: ${money(before)}`, (await browser.balance()) === before);
  const paid = await browser.pay(body.id);
  expect(`it is paid: ${money(body.total.cents)}`, paid.status === 200);
  const twice = await browser.pay(body.id);
  expect(`it is not paid twice: ${twice.body.detail} (HTTP ${twice.status})`, twice.body.reason === "ALREADY_PAID");
  const after = await browser.balance();
  expect(`the wallet went from ${money(before)} to ${money(after)}`, before - after === body.total.cents);
}

async function showTrace(browser: Browser, traceId: string): Promise<void> {
  title(`Its trace ${traceId}`);
  const wanted = ["Orders/Place", "StockOperations/Drive", "WalletOperations/Drive", "OrderPaid", "StockDeducted"];
  const trace = await until(async () => {
    const { body } = await browser.get(`/traces/${traceId}`);
    const names = body.spans.map((span) => span.name);
    return wanted.every((part) => names.some((name) => name.includes(part))) ? body : undefined;
  });
  printTrace(trace, say);
}

async function refused(browser: Browser, what: string, sku: string, quantity: number, reason: string): Promise<void> {
  title(`An order refused for lack of ${what}`);
  const [money0, stock0] = [await browser.balance(), await stockOf(browser, sku)];
  const answer: Answer = await browser.order({ [sku]: quantity });
  expect(
    `${quantity} × ${sku} is refused: ${answer.body.detail} (HTTP ${answer.status}, ${reason})`,
    answer.body.reason === reason,
  );
  const [money1, stock1] = [await browser.balance(), await stockOf(browser, sku)];
  expect(`the stock is unchanged: ${stock1}`, stock0 === stock1);
  expect(`the wallet is unchanged: ${money(money1)}`, money0 === money1);
}

const dataDir = mkdtempSync(join(tmpdir(), "shop-smoke-"));
let shop: ShopProcess | undefined;
try {
  shop = await startShop({ dataDir });
  say(`The shop is open at ${shop.url} after ${(shop.startedMs / 1000).toFixed(1)} s, databases created.`);
  const browser = new Browser(shop.url);
  await buy(browser);
  await buyAndPayLater(browser);
  await refused(browser, "stock", "kumiko-lantern", 4, "OUT_OF_STOCK");
  await refused(browser, "money", "work-bench", 1, "INSUFFICIENT_FUNDS");
  say(`\n${styleText("green", "All is well.")}`);
} catch (error) {
  console.error(`\n${styleText("red", error instanceof Error ? error.message : String(error))}`);
  if (shop) console.error(`The shop said:\n${shop.output()}`);
  process.exitCode = 1;
} finally {
  await shop?.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
