import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { onServer } from "@mortise/kernel/testing";
import type { Browser, Page } from "playwright-core";
import { headlessChromium } from "./chromium.fixture.ts";
import { patience } from "./patience.fixture.ts";
import { type ShopProcess, startShop } from "./shop-process.ts";

interface Stage {
  readonly shop: ShopProcess;
  readonly chromium: Browser;
  stop(): Promise<void>;
}

async function stage(): Promise<Stage> {
  const chromium = await headlessChromium();
  execFileSync(process.execPath, ["--conditions=source", join(import.meta.dirname, "build-web.ts")]);
  const dataDir = mkdtempSync(join(tmpdir(), "shop-web-"));
  const shop = await startShop({ dataDir, set: patience });
  const stop = async () => {
    await chromium.close();
    await shop.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { shop, chromium, stop };
}

/** A page that fails the test when it asks anything of another host, or throws. */
async function pageOf({ chromium, shop }: Stage, width = 1280): Promise<{ page: Page; troubles: string[] }> {
  const page = await chromium.newPage({ viewport: { width, height: 900 } });
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (line) => {
    if (line.type() === "error" && !isRefusal(line.text())) troubles.push(line.text());
  });
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(shop.url)) troubles.push(request.url());
  });
  page.setDefaultTimeout(60_000);
  return { page, troubles };
}

/** Chromium writes an error for each refused request: of what a customer is refused that is right. */
function isRefusal(text: string): boolean {
  return /status of (400|402|409)/.test(text);
}

async function register(page: Page, shop: ShopProcess, next: string): Promise<void> {
  await page.goto(`${shop.url}/register?next=${next}`);
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill(`ada.${crypto.randomUUID()}@example.org`);
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Open the account" }).click();
}

await onServer("the storefront in Chromium", stage, (on) => {
  it("sells: a product is found, put in the cart, paid and followed to its final status and its trace", async () => {
    const { page, troubles } = await pageOf(on);
    await page.goto(on.shop.url);
    await page.getByLabel("Search").fill("lantern");
    await page.getByRole("link", { name: /Kumiko lantern/ }).click();
    await page.getByText("Only 3 left").waitFor();
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.locator(".toast").waitFor();
    await page.getByRole("link", { name: /^Cart/ }).click();
    assert.equal(await page.locator(".toast").count(), 0);
    await page.getByRole("link", { name: "Check out" }).click();
    await page.getByRole("link", { name: "Open an account" }).click();
    await page.getByLabel("Name").fill("Ada Lovelace");
    await page.getByLabel("E-mail").fill(`ada.${crypto.randomUUID()}@example.org`);
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Open the account" }).click();
    await page.getByText("at least 8 characters").waitFor();
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Open the account" }).click();
    await page.getByRole("button", { name: "10 % off one order" }).click();
    await page.getByRole("button", { name: "Pay €116.10" }).click();
    await page.getByRole("heading", { name: "It is on its way" }).waitFor();
    await page.getByText("Wallet€383.90").waitFor();
    await page.getByRole("link", { name: "See how it was made" }).click();
    await page.getByRole("heading", { name: "What this request set in motion" }).waitFor();
    await page.getByText("placeOrder by tcc, committed").waitFor();
    const trace = (await page.textContent("ol")) ?? "";
    for (const part of [
      "POST /api/orders",
      "Orders/Place",
      "StockOperations/Drive",
      "WalletOperations/Drive",
      "OrderPaid",
    ])
      assert.ok(trace.includes(part), `the trace does not show ${part}: ${trace}`);
    assert.deepEqual(troubles, []);
  });

  it("says why an order is refused, and takes it after a top-up", async () => {
    const { page, troubles } = await pageOf(on);
    await register(page, on.shop, "/products/work-bench");
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.getByRole("link", { name: /^Cart/ }).click();
    await page.getByRole("link", { name: "Check out" }).click();
    await page.getByRole("button", { name: /^Pay/ }).click();
    await page.getByText("not enough money").waitFor();
    await page.getByRole("link", { name: "Top up the wallet" }).click();
    await page.getByRole("button", { name: "€500" }).click();
    for (const balance of ["€1,000.00", "€1,500.00"]) {
      await page.getByRole("button", { name: "Top up" }).click();
      await page.locator(".wallet-balance", { hasText: balance }).waitFor();
    }
    await page.goto(`${on.shop.url}/checkout`);
    await page.getByRole("button", { name: /^Pay/ }).click();
    await page.getByRole("heading", { name: "It is on its way" }).waitFor();
    await page.getByRole("link", { name: "Orders" }).first().click();
    await page.getByText("Cancelled").waitFor();
    assert.equal(await page.locator(".order-row").count(), 2);
    assert.deepEqual(troubles, []);
  });

  it("keeps an order that is paid later, tells until when, and takes the money on its page", async () => {
    const { page, troubles } = await pageOf(on);
    await register(page, on.shop, "/products/work-bench");
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.getByRole("link", { name: /^Cart/ }).click();
    await page.getByRole("link", { name: "Check out" }).click();
    await page.getByText("Pay later").click();
    await page.getByRole("button", { name: "Order, and pay later" }).click();
    await page.getByRole("heading", { name: "We keep it for you" }).waitFor();
    await page.getByText(/Pay by \d\d:\d\d/).waitFor();
    await page.getByText("Wallet€500.00").waitFor(); // nothing was charged
    await page.getByRole("button", { name: /^Pay €/ }).click();
    await page.getByText("not enough money").waitFor();
    await page.getByRole("link", { name: "Top up the wallet" }).click();
    await page.getByRole("button", { name: "€500" }).click();
    for (const balance of ["€1,000.00", "€1,500.00"]) {
      await page.getByRole("button", { name: "Top up" }).click();
      await page.locator(".wallet-balance", { hasText: balance }).waitFor();
    }
    await page.getByRole("link", { name: "Back to your order" }).click();
    await page.getByRole("button", { name: /^Pay €/ }).click();
    await page.getByRole("heading", { name: "It is on its way" }).waitFor();
    assert.equal(await page.locator(".timeline .step-done").count(), 4);
    await page.getByRole("link", { name: "See how it was placed" }).waitFor();
    await page.getByRole("link", { name: "See how it was paid" }).click();
    await page.getByText("payOrder by tcc, committed").waitFor();
    assert.match((await page.textContent("ol")) ?? "", /Orders\/Pay/);
    assert.deepEqual(troubles, []);
  });

  it("lets an order be cancelled that is not paid, and says that nothing was charged", async () => {
    const { page } = await pageOf(on);
    await register(page, on.shop, "/products/two-cups");
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.getByRole("link", { name: /^Cart/ }).click();
    await page.getByRole("link", { name: "Check out" }).click();
    await page.getByText("Pay later").click();
    await page.getByRole("button", { name: "Order, and pay later" }).click();
    await page.getByRole("button", { name: "Cancel this order" }).click();
    await page.getByText("You cancelled it before it was paid").waitFor();
    await page.getByText("Wallet€500.00").waitFor();
  });

  it("fits a telephone: nothing is wider than the screen", async () => {
    const { page } = await pageOf(on, 360);
    await register(page, on.shop, "/");
    for (const path of ["/", "/products/smoothing-plane", "/cart", "/orders", "/wallet", "/login"]) {
      await page.goto(on.shop.url + path);
      await page.locator("main h1, main h2").first().waitFor();
      const overflow = Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth"));
      assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
    }
  });
});
