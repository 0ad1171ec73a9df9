import { Hono } from "hono";
import { z } from "zod";
import { idempotencyKey, readBody, readQuery } from "../body.ts";
import type { Backends, Door } from "../door.ts";
import type { BrowserSession } from "../session.ts";
import { entryView, moneyView } from "../views.ts";
import { pageQuery } from "./orders.ts";

const topUp = z.strictObject({ cents: z.number().int().positive(), currency: z.string().length(3).default("EUR") });

/** The wallet of who is logged in. */
export function walletRoutes({ payments }: Backends, session: BrowserSession): Hono<Door> {
  return new Hono<Door>()
    .get("/wallet", async (request) => {
      const { balance, points } = await payments.getWallet({ userId: await session.userId(request) }, request.var.call);
      return request.json({ balance: moneyView(balance), points: Number(points) });
    })
    .post("/wallet/top-up", async (request) => {
      const requestId = idempotencyKey(request);
      const { cents, currency } = await readBody(request, topUp);
      const asked = { userId: await session.userId(request), requestId, amount: { cents: BigInt(cents), currency } };
      const { balance } = await payments.topUp(asked, request.var.call);
      return request.json({ balance: moneyView(balance) });
    })
    .get("/wallet/entries", async (request) => {
      const query = readQuery(request, pageQuery);
      const userId = await session.userId(request);
      const page = await payments.listEntries({ userId, ...query }, request.var.call);
      return request.json({ ...page, entries: page.entries.map(entryView) });
    });
}
