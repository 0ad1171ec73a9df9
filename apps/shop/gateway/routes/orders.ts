import { OrderStatus } from "@mortise/proto/shop/order";
import { Hono } from "hono";
import { z } from "zod";
import { idempotencyKey, readBody, readQuery } from "../body.ts";
import type { Backends, Door } from "../door.ts";
import type { Events } from "../events.ts";
import type { BrowserSession } from "../session.ts";
import { couponView, orderView } from "../views.ts";

const item = z.strictObject({ sku: z.string().min(1).max(100), quantity: z.number().int().min(1).max(99) });
const placing = z.strictObject({
  items: z.array(item).min(1, "An order needs at least one item.").max(200),
  coupon: z.string().max(30).default(""),
  pay: z.enum(["now", "later"]).default("now"),
});
export const pageQuery = z.strictObject({
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
  pageToken: z.string().max(500).default(""),
});

/** Place, pay, follow and cancel orders of who is logged in. */
export function orderRoutes({ orders, marketing }: Backends, session: BrowserSession, events: Events): Hono<Door> {
  return new Hono<Door>()
    .post("/orders", async (request) => {
      const requestId = idempotencyKey(request);
      const { items, coupon, pay } = await readBody(request, placing);
      const userId = await session.userId(request);
      const asked = { userId, requestId, items, coupon, payLater: pay === "later" };
      const order = await orders.place(asked, request.var.call);
      return request.json(orderView(order), order.status === OrderStatus.PENDING ? 202 : 201);
    })
    .post("/orders/:id/pay", async (request) => {
      const requestId = idempotencyKey(request);
      const asked = { userId: await session.userId(request), orderId: request.req.param("id"), requestId };
      const order = await orders.pay(asked, request.var.call);
      return request.json(orderView(order), order.status === OrderStatus.AWAITING_PAYMENT ? 202 : 200);
    })
    .get("/coupons", async (request) => {
      const { coupons } = await marketing.listCoupons({ userId: await session.userId(request) }, request.var.call);
      return request.json({ coupons: coupons.map(couponView) });
    })
    .get("/orders", async (request) => {
      const query = readQuery(request, pageQuery);
      const userId = await session.userId(request);
      const page = await orders.list({ userId, ...query }, request.var.call);
      return request.json({ ...page, orders: page.orders.map(orderView) });
    })
    .get("/orders/:id", async (request) => {
      const userId = await session.userId(request);
      return request.json(orderView(await orders.get({ userId, orderId: request.req.param("id") }, request.var.call)));
    })
    .post("/orders/:id/cancel", async (request) => {
      const userId = await session.userId(request);
      const order = await orders.cancel({ userId, orderId: request.req.param("id") }, request.var.call);
      return request.json(orderView(order));
    })
    .get("/orders/:id/events", async (request) => {
      const key = { userId: await session.userId(request), orderId: request.req.param("id") };
      await orders.get(key, request.var.call);
      return events(request, "order", (call) => orders.watch(key, call), orderView);
    });
}
