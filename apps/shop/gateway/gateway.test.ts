import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, describe, it } from "node:test";
import { type Service, systemPorts } from "@mortise/kernel";
import { eventually, startPlugin } from "@mortise/kernel/testing";
import { Browser } from "../browser.ts";
import { testShop } from "../shared/shop.fixture.ts";
import { gateway } from "./gateway.ts";

const shop = await testShop({ maxBodyBytes: 2_000 });
after(() => shop.stop());
const browser = () => new Browser(shop.url);
async function customer(): Promise<Browser> {
  const who = browser();
  await who.register();
  return who;
}

describe("accounts", () => {
  it("are opened, left and entered again with a cookie no script can read", async () => {
    const ada = browser();
    const email = `Ada.${systemPorts.ids.hex(4)}@Example.org`;
    const opened = await ada.post("/api/register", { name: "Ada", email, password: "correct horse" });
    assert.equal(opened.status, 201);
    assert.deepEqual(Object.keys(opened.body).sort(), ["email", "id", "name"]);
    const cookie = opened.headers.getSetCookie()[0] ?? "";
    assert.match(cookie, /HttpOnly/);
    assert.match(cookie, /SameSite=Lax/);
    assert.equal((await ada.get("/api/me")).body.email, email.toLowerCase());
    const token = ada.cookie;
    assert.equal((await ada.post("/api/logout")).status, 204);
    const left = await ada.get("/api/me", { cookie: token });
    assert.deepEqual([left.status, left.body], [200, null]);
    assert.equal((await ada.get("/api/wallet", { cookie: token })).status, 401);
    assert.deepEqual((await browser().get("/api/me")).body, null);
    assert.equal((await ada.post("/api/login", { email, password: "wrong horse" })).status, 401);
    assert.equal((await ada.post("/api/login", { email, password: "correct horse" })).status, 200);
    assert.equal((await ada.get("/api/me")).status, 200);
  });

  it("never tell what proves who somebody is", async () => {
    const ada = await customer();
    for (const path of ["/api/me", "/api/wallet", "/api/orders"]) {
      const { body } = await ada.get(path);
      assert.doesNotMatch(JSON.stringify(body), /password|argon|"token"|hash/i);
    }
  });

  it("name every field that is wrong", async () => {
    const bad = await browser().post("/api/register", { name: 7, email: "ada@example.org" });
    assert.equal(bad.status, 400);
    assert.match(bad.headers.get("content-type") ?? "", /^application\/problem\+json/);
    assert.deepEqual(Object.keys(bad.body.errors).sort(), ["name", "password"]);
    const short = await browser().post("/api/register", { name: "Ada", email: "ada@example.org", password: "short" });
    assert.match(short.body.errors.password ?? "", /8 characters/);
    const twice = await customer();
    const { email } = (await twice.get("/api/me")).body;
    const taken = await browser().post("/api/register", { name: "Eve", email, password: "correct horse" });
    assert.deepEqual([taken.status, taken.body.reason], [409, "EMAIL_TAKEN"]);
  });
});

describe("the catalogue", () => {
  it("is open to everybody, page by page and filtered", async () => {
    const eve = browser();
    const first = (await eve.get("/api/products?pageSize=10&sort=price-ascending")).body;
    assert.equal(first.products.length, 10);
    assert.equal(first.total, 24);
    const next = (await eve.get(`/api/products?pageSize=10&sort=price-ascending&pageToken=${first.nextPageToken}`))
      .body;
    const cents = [...first.products, ...next.products].map((product) => product.price.cents);
    assert.deepEqual(
      cents,
      [...cents].sort((one, other) => one - other),
    );
    const light = (await eve.get("/api/products?category=Light&text=lantern")).body;
    assert.deepEqual(
      light.products.map((product) => product.sku),
      ["kumiko-lantern"],
    );
    assert.equal((await eve.get("/api/categories")).body.categories.length, 6);
    assert.equal((await eve.get("/api/products/halo-lamp")).body.price.cents, 8900);
    assert.equal((await eve.get("/api/products/unicorn")).status, 404);
  });

  it("refuses filters that make no sense", async () => {
    for (const query of ["minCents=-1", "minCents=x", "sort=beauty", "pageSize=1000", "colour=red", "pageToken=zz"])
      assert.equal((await browser().get(`/api/products?${query}`)).status, 400, query);
  });

  it("tells stock", async () => {
    const { levels } = (await browser().get("/api/stock?sku=two-cups&sku=wren-house")).body;
    assert.deepEqual(levels, [
      { sku: "two-cups", onHand: 150, frozen: 0 },
      { sku: "wren-house", onHand: 0, frozen: 0 },
    ]);
  });
});

describe("orders", () => {
  it("are placed, paid, followed by events and listed", async () => {
    const ada = await customer();
    const placed = await ada.order({ "two-cups": 2, "grid-notebook": 1 });
    assert.equal(placed.status, 201);
    assert.deepEqual(placed.body.total, { cents: 7200, currency: "EUR" });
    assert.equal(placed.body.traceId, placed.headers.get("x-trace-id"));
    const events = await ada.get(`/api/orders/${placed.body.id}/events`);
    assert.match(events.text, /event: order\ndata: .*"COMPLETED"/);
    assert.match(events.text, /event: end/);
    const order = (await ada.get(`/api/orders/${placed.body.id}`)).body;
    assert.deepEqual(
      order.steps.map((step) => step.status),
      ["PENDING", "PAID", "COMPLETED"],
    );
    assert.equal((await ada.get("/api/orders")).body.orders.length, 1);
    assert.equal(await ada.balance(), 42_800);
    const { entries } = (await ada.get("/api/wallet/entries")).body;
    assert.deepEqual(
      entries.map((entry) => entry.kind),
      ["CHARGE", "WELCOME"],
    );
  });

  it("are placed once per key", async () => {
    const ada = await customer();
    const key = systemPorts.ids.uuid();
    const [one, two] = await Promise.all([ada.order({ "two-cups": 1 }, key), ada.order({ "two-cups": 1 }, key)]);
    assert.equal(one.body.id, two.body.id);
    assert.equal(await ada.balance(), 47_200);
    const other = await ada.order({ "two-cups": 2 }, key);
    assert.deepEqual([other.status, other.body.reason], [409, "REQUEST_ID_REUSED"]);
    const keyless = await ada.post("/api/orders", { items: [{ sku: "two-cups", quantity: 1 }] });
    assert.deepEqual([keyless.status, Object.keys(keyless.body.errors)], [400, ["Idempotency-Key"]]);
  });

  it("are refused for lack of stock or money, and nothing changes", async () => {
    const ada = await customer();
    const noStock = await ada.order({ "kumiko-lantern": 4 });
    assert.deepEqual([noStock.status, noStock.body.reason, noStock.body.details.available], [409, "OUT_OF_STOCK", "3"]);
    const noMoney = await ada.order({ "work-bench": 1 });
    assert.deepEqual([noMoney.status, noMoney.body.reason], [402, "INSUFFICIENT_FUNDS"]);
    assert.equal(await ada.balance(), 50_000);
    const { levels } = (await ada.get("/api/stock?sku=kumiko-lantern&sku=work-bench")).body;
    assert.deepEqual(
      levels.map((level) => level.frozen),
      [0, 0],
    );
  });

  it("are paid later where that was asked for, once per key, and by who placed them", async () => {
    const ada = await customer();
    const held = await ada.orderUnpaid({ "two-cups": 1 });
    assert.deepEqual([held.status, held.body.status], [201, "AWAITING_PAYMENT"]);
    assert.ok(Date.parse(held.body.payBy ?? "") > Date.now());
    assert.equal(await ada.balance(), 50_000);
    const { id } = held.body;
    assert.equal((await (await customer()).pay(id)).status, 404);
    assert.equal((await browser().pay(id)).status, 401);
    const keyless = await ada.post(`/api/orders/${id}/pay`);
    assert.deepEqual([keyless.status, Object.keys(keyless.body.errors)], [400, ["Idempotency-Key"]]);
    const key = systemPorts.ids.uuid();
    const [one, two] = await Promise.all([ada.pay(id, key), ada.pay(id, key)]);
    assert.deepEqual([one.status, two.status, one.body.id, two.body.id], [200, 200, id, id]);
    assert.deepEqual([held.body.traceId, held.body.paymentTraceId], [held.headers.get("x-trace-id"), ""]);
    const paying = [one, two].map(({ headers }) => headers.get("x-trace-id"));
    assert.ok(paying.includes((await ada.get(`/api/orders/${id}`)).body.paymentTraceId));
    const again = await ada.pay(id);
    assert.deepEqual([again.status, again.body.reason], [409, "ALREADY_PAID"]);
    assert.equal(await ada.balance(), 47_200);
  });

  it("are not paid without money, or after they were cancelled", async () => {
    const ada = await customer();
    const { id } = (await ada.orderUnpaid({ "work-bench": 1 })).body;
    const noMoney = await ada.pay(id);
    assert.deepEqual([noMoney.status, noMoney.body.reason], [402, "INSUFFICIENT_FUNDS"]);
    assert.equal((await ada.get(`/api/orders/${id}`)).body.status, "AWAITING_PAYMENT");
    assert.equal((await ada.post(`/api/orders/${id}/cancel`)).body.status, "CANCELLED");
    const cancelled = await ada.pay(id);
    assert.deepEqual([cancelled.status, cancelled.body.reason], [409, "ORDER_CANCELLED"]);
    const strange = await ada.post("/api/orders", { items: [], pay: "never" }, { "idempotency-key": "12345678" });
    assert.deepEqual([strange.status, Object.keys(strange.body.errors)], [400, ["items", "pay"]]);
    assert.equal(await ada.balance(), 50_000);
  });

  it("are shown to nobody else", async () => {
    const ada = await customer();
    const { id } = (await ada.order({ "two-cups": 1 })).body;
    const eve = await customer();
    assert.equal((await eve.get(`/api/orders/${id}`)).status, 404);
    assert.equal((await eve.get(`/api/orders/${id}/events`)).status, 404);
    assert.equal((await eve.post(`/api/orders/${id}/cancel`)).status, 404);
    assert.equal((await browser().get(`/api/orders/${id}`)).status, 401);
  });

  it("need items that make sense", async () => {
    const ada = await customer();
    for (const items of [
      [],
      [{ sku: "two-cups" }],
      [{ sku: "two-cups", quantity: 0 }],
      [{ sku: "two-cups", quantity: 1.5 }],
      "all",
    ])
      assert.equal((await ada.post("/api/orders", { items }, { "idempotency-key": "12345678" })).status, 400);
    assert.equal((await ada.order({ unicorn: 1 })).status, 404);
  });
});

describe("wallets", () => {
  it("are topped up once per key, and by sensible amounts", async () => {
    const ada = await customer();
    const key = { "idempotency-key": systemPorts.ids.uuid() };
    await ada.post("/api/wallet/top-up", { cents: 5000 }, key);
    assert.equal((await ada.post("/api/wallet/top-up", { cents: 5000 }, key)).body.balance.cents, 55_000);
    for (const cents of [0, -5, 1.5, "5000", 100_000_000]) {
      const { status } = await ada.post("/api/wallet/top-up", { cents }, { "idempotency-key": systemPorts.ids.uuid() });
      assert.equal(status, 400, String(cents));
    }
  });
});

describe("the door", () => {
  it("refuses what another site's page sends", async () => {
    const ada = await customer();
    const { status } = await ada.post("/api/orders", {}, { "sec-fetch-site": "cross-site" });
    assert.equal(status, 403);
    assert.equal((await ada.post("/api/logout", {}, { origin: "http://evil.test" })).status, 403);
  });

  it("refuses bodies that are not JSON or too large", async () => {
    const type = { "content-type": "application/json" };
    assert.equal((await browser().send("POST", "/api/login", "{", type)).status, 415);
    assert.equal((await browser().send("POST", "/api/login", "a=b", { "content-type": "text/plain" })).status, 415);
    assert.equal((await browser().post("/api/login", { email: "x".repeat(3000), password: "y" })).status, 413);
  });

  it("says which path is not there", async () => {
    const { status, body } = await browser().get("/api/nothing");
    assert.deepEqual([status, body.reason], [404, "NO_SUCH_PATH"]);
  });

  it("keeps pages from loading anything from elsewhere", async () => {
    const { headers } = await browser().get("/healthz");
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'self'/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  });

  it("shows the trace of a request to people and to programs", async () => {
    const { headers } = await browser().get("/api/products/halo-lamp");
    const path = `/traces/${headers.get("x-trace-id")}`;
    const { body } = await browser().get(path);
    assert.equal(body.spans[0]?.name, "GET /api/products/:sku");
    const page = await browser().get(path, { accept: "text/html" });
    assert.match(page.text, /GET \/api\/products\/:sku/);
    assert.match(page.text, /<link rel="icon"/);
    assert.equal((await browser().get(`/traces/${"0".repeat(31)}1`)).status, 404);
  });

  it("says that its port is taken and what to do", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const { api } = await startPlugin<Service>(gateway, { options: { port } });
    await assert.rejects(async () => api.ready?.(), new RegExp(`Port ${port} .* taken`));
    other.close();
  });

  it("ends streams of events when it closes", async () => {
    const own = await testShop();
    after(() => own.stop());
    const stream = await fetch(`${own.url}/api/stock/events?sku=two-cups`);
    const reader = stream.body?.getReader();
    assert.match(new TextDecoder().decode((await reader?.read())?.value), /event: stock/);
    const started = performance.now();
    await own.stop();
    await eventually(async () => (await reader?.read())?.done);
    assert.ok(performance.now() - started < 8_000);
  });
});
