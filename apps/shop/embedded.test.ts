import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { systemPorts } from "@mortise/kernel";
import { eventually } from "@mortise/kernel/testing";
import { type Answer, Browser } from "./browser.ts";
import { patience } from "./patience.fixture.ts";
import { launchShop, startShop } from "./shop-process.ts";
import type { TraceJson } from "./smoke-trace.ts";

const dataDir = mkdtempSync(join(tmpdir(), "shop-embedded-"));
const shop = await startShop({ dataDir, set: patience });
after(async () => {
  await shop.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

type Span = TraceJson["spans"][number];

/** The trace once the last event of an order has been handled. */
async function traceOf(browser: Browser, traceId: string): Promise<readonly Span[]> {
  return eventually(async () => {
    const { body }: { body: TraceJson } = await browser.get(`/traces/${traceId}`);
    return body.spans.some((span) => span.kind === "consumer" && span.name.includes("StockDeducted"))
      ? body.spans
      : undefined;
  }, 60_000);
}

/** An order that is asked for again under its key as long as the shop says that it is still being placed. */
function ordered(browser: Browser): Promise<Answer> {
  const key = systemPorts.ids.uuid();
  return eventually(async () => {
    const answer = await browser.order({ "grid-notebook": 1 }, key);
    return answer.status === 503 && answer.body.reason === "STILL_PLACING" ? undefined : answer;
  }, 60_000);
}

describe("the embedded shop", () => {
  it("creates its databases and is open within 20 seconds", () => {
    // That is of a machine that has nothing else to do: where many programs want its processors, each gets a share of them.
    const programs = Math.max(1, loadavg()[0] ?? 1, loadavg()[1] ?? 1);
    const allowed = 20_000 * Math.max(1, programs / availableParallelism());
    assert.ok(shop.startedMs < allowed, `${Math.round(shop.startedMs)} ms of ${Math.round(allowed)} ms`);
  });

  it("carries one order through the gateway, five services over gRPC and the bus, in one trace", async () => {
    const ada = new Browser(shop.url);
    await ada.register();
    const placed = await ada.order({ "two-cups": 1, "halo-lamp": 1 });
    assert.equal(placed.status, 201);
    assert.match(placed.body.status, /^(PAID|COMPLETED)$/);
    const followed = await ada.get(`/api/orders/${placed.body.id}/events`);
    assert.match(followed.text, /"status":"COMPLETED"/);
    assert.equal(await ada.balance(), 50_000 - 11_700);
    const spans = await traceOf(ada, placed.body.traceId);
    const find = (kind: string, part: string) => {
      const span = spans.find((one) => one.kind === kind && one.name.includes(part));
      assert.ok(span, `no ${kind} span of ${part} in: ${spans.map((one) => `${one.kind} ${one.name}`).join(", ")}`);
      return span;
    };
    const ancestors = (span: Span): string[] => {
      const parent = spans.find((one) => one.trace.spanId === span.parentSpanId);
      return parent ? [parent.trace.spanId, ...ancestors(parent)] : [];
    };
    const root = find("server", "POST /api/orders");
    assert.equal(find("client", "Orders/Place").service, "gateway");
    assert.equal(find("producer", "OrderPaid").service, "order");
    const place = find("server", "Orders/Place");
    for (const part of ["Inventory/GetProducts", "StockOperations/Drive", "WalletOperations/Drive"])
      assert.ok(ancestors(find("server", part)).includes(place.trace.spanId), part);
    for (const part of ["OrderPaid", "StockDeducted"])
      assert.ok(ancestors(find("consumer", part)).includes(root.trace.spanId), part);
  });

  it("refuses for lack of stock or money and changes nothing", async () => {
    const ada = new Browser(shop.url);
    await ada.register();
    const stock = async () => (await ada.get("/api/stock?sku=kumiko-lantern&sku=work-bench")).body.levels;
    const before = await stock();
    assert.equal((await ada.order({ "kumiko-lantern": 4 })).body.reason, "OUT_OF_STOCK");
    assert.equal((await ada.order({ "work-bench": 1 })).body.reason, "INSUFFICIENT_FUNDS");
    assert.deepEqual(await stock(), before);
    assert.equal(await ada.balance(), 50_000);
  });

  it("answers many browsers at once, and the sums are right", async () => {
    const before = (await new Browser(shop.url).get("/api/stock?sku=grid-notebook")).body.levels[0]?.onHand ?? 0;
    const crowd = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const browser = new Browser(shop.url);
        await browser.register();
        return browser;
      }),
    );
    const orders = await Promise.all(crowd.flatMap((browser) => [1, 2, 3].map(() => ordered(browser))));
    assert.deepEqual([...new Set(orders.map(({ status, text }) => (status === 201 ? 201 : text)))], [201]);
    for (const browser of crowd) assert.equal(await browser.balance(), 50_000 - 3 * 1_600);
    await eventually(async () => {
      const [level] = (await new Browser(shop.url).get("/api/stock?sku=grid-notebook")).body.levels;
      assert.deepEqual(level, { sku: "grid-notebook", onHand: before - 24, frozen: 0 });
      return true;
    }, 60_000);
  });

  it("says in one line that its port is taken, and leaves nothing behind", async () => {
    const { port } = new URL(shop.url);
    const own = mkdtempSync(join(tmpdir(), "shop-taken-"));
    const second = launchShop({ dataDir: own, set: [`options.service/gateway.port=${port}`] });
    await assert.rejects(second.opened, new RegExp(`Port ${port} .* taken`));
    assert.notEqual(await second.stop(), 0);
    assert.doesNotMatch(second.output(), /^\s+at /m);
    rmSync(own, { recursive: true, force: true });
  });
});
