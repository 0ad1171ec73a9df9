import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { eventually, natsServer, onServer, postgresServer } from "@mortise/kernel/testing";
import { Browser } from "./browser.ts";
import { patience } from "./patience.fixture.ts";
import { type ServiceProcess, startService } from "./profiles.fixture.ts";

const impatient = [
  ...["remindAfterMs=1500", "remindEveryMs=100", "payWithinMs=6000"].map((set) => `options.service/order.${set}`),
  "options.transactions/runtime.leaseMs=1500",
];

interface Stage {
  readonly url: string;
  /** By name of the service. */
  readonly running: Map<string, ServiceProcess>;
  start(name: string): Promise<ServiceProcess>;
  stop(): Promise<void>;
}

/** The shop as `npm run local` runs it: six processes, NATS, PostgreSQL, instances found through files. */
async function stage(): Promise<Stage> {
  const postgres = await postgresServer({ ours: true });
  const nats = await natsServer();
  const registry = mkdtempSync(join(tmpdir(), "shop-registry-"));
  const env = { POSTGRES_URL: postgres.url, NATS_URL: nats.url, SHOP_REGISTRY: registry };
  const running = new Map<string, ServiceProcess>();
  const start = async (name: string) => {
    const own = name === "gateway" ? ["options.service/gateway.port=0"] : name === "order" ? impatient : [];
    const set = [...patience, ...own];
    const service = await startService(name, env, set);
    running.set(name, service);
    return service;
  };
  await Promise.all(["user", "inventory", "marketing", "payment", "order", "gateway"].map(start));
  const url = /http:\/\/[^\s"]+/.exec(running.get("gateway")?.output() ?? "")?.[0] ?? "";
  const stop = async () => {
    await Promise.all([...running.values()].map((service) => service.stop()));
    await nats.stop();
    await postgres.stop();
    rmSync(registry, { recursive: true, force: true });
  };
  return { url, running, start, stop };
}

await onServer("the shop with one process per service", stage, (on) => {
  async function statusOf(browser: Browser, id: string, wanted: string): Promise<void> {
    await eventually(async () => (await browser.get(`/api/orders/${id}`)).body.status === wanted, 90_000);
  }

  it("carries an order through the processes and NATS", async () => {
    const ada = new Browser(on.url);
    assert.equal((await ada.register()).status, 201);
    const placed = await ada.order({ "two-cups": 1 });
    assert.equal(placed.status, 201, JSON.stringify(placed.body));
    await statusOf(ada, placed.body.id, "COMPLETED");
    assert.equal(await ada.balance(), 47_200);
  });

  it("goes on with an order whose goods could not leave because the inventory was killed", async () => {
    const ada = new Browser(on.url);
    await ada.register();
    await on.running.get("inventory")?.kill();
    const refused = await ada.order({ "two-cups": 1 });
    assert.ok(refused.status >= 500, `${refused.status}`);
    await on.start("inventory");
    const placed = await eventually(async () => {
      const answer = await ada.order({ "brass-pen": 1 });
      return answer.status === 201 ? answer : undefined;
    }, 90_000);
    await statusOf(ada, placed.body.id, "COMPLETED");
    const { levels } = (await ada.get("/api/stock?sku=two-cups&sku=brass-pen")).body;
    for (const level of levels) assert.equal(level.frozen, 0);
  });

  it("cancels an order that is not paid in time, even if its service was killed meanwhile", async () => {
    const ada = new Browser(on.url);
    await ada.register();
    const { status, body } = await ada.orderUnpaid({ "grid-notebook": 2 });
    assert.equal(status, 201);
    await on.running.get("order")?.kill();
    await on.start("order");
    const over = await eventually(async () => {
      const answer = await ada.get(`/api/orders/${body.id}`);
      return answer.body.status === "CANCELLED" ? answer.body : undefined;
    }, 90_000);
    assert.equal(over.cancelReason, "PAYMENT_EXPIRED");
    await eventually(async () => {
      const answer = await ada.get("/api/stock?sku=grid-notebook");
      return answer.status === 200 && answer.body.levels[0]?.frozen === 0;
    }, 90_000);
    assert.equal(await ada.balance(), 50_000);
  });

  it("gives back what an order took whose service was killed, or completes it", async () => {
    const ada = new Browser(on.url);
    await ada.register();
    const pending = Array.from({ length: 8 }, () => ada.order({ "beeswax-trio": 1 }).catch(() => undefined));
    await new Promise((resolve) => setTimeout(resolve, 60));
    await on.running.get("order")?.kill();
    await Promise.all(pending);
    await on.start("order");
    // Transactions of no order that is listed are recovered, too.
    await eventually(async () => {
      const { status, body } = await ada.get("/api/stock?sku=beeswax-trio");
      return status === 200 && body.levels[0]?.frozen === 0;
    }, 90_000);
    const orders = await eventually(async () => {
      const { status, body } = await ada.get("/api/orders");
      const final =
        status === 200 && body.orders.every((one) => one.status === "COMPLETED" || one.status === "CANCELLED");
      return final ? body.orders : undefined;
    }, 90_000);
    const spent = orders.filter((one) => one.status === "COMPLETED").reduce((sum, one) => sum + one.total.cents, 0);
    await eventually(async () => (await ada.balance()) === 50_000 - spent, 90_000);
  });
});
