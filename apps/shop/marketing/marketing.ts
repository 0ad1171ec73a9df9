import { join } from "node:path";
import { defineService, store } from "@mortise/kernel";
import { CouponOperations, Marketing } from "@mortise/proto/shop/marketing";
import { z } from "zod";
import { couponBook } from "./coupons.ts";
import { couponOperations } from "./operations.ts";
import { type Campaign, discountCents, redeemStep } from "./rules.ts";

const campaign = z.strictObject({
  code: z.string().regex(/^[A-Z0-9]{1,30}$/, "a code has capital letters and digits"),
  title: z.string().min(1),
  percent: z.number().int().min(1).max(100),
  minimumCents: z.number().int().nonnegative().default(0),
});

/** Coupons of the shop. */
export const marketing = defineService(Marketing, {
  name: "marketing",
  description: "Coupons of the shop: list, quote, redeem",
  needs: { store },
  operations: CouponOperations,
  options: z.strictObject({
    database: z.string().default("shop_marketing"),
    currency: z.string().length(3).default("EUR"),
    /** Coupons every customer may use once. */
    campaigns: z.array(campaign).default([
      { code: "WELCOME10", title: "10 % off one order", percent: 10, minimumCents: 0 },
      { code: "BIG20", title: "20 % off one order from €200", percent: 20, minimumCents: 20_000 },
    ]),
  }),
  setup: async ({ deps, options }) => {
    const { currency } = options;
    const database = await deps.store.database(options.database);
    await database.migrate(join(import.meta.dirname, "drizzle"));
    const book = couponBook(database.orm);
    const campaigns: ReadonlyMap<string, Campaign> = new Map(options.campaigns.map((one) => [one.code, one]));

    return {
      handlers: {
        listCoupons: async ({ userId }) => {
          const used = await book.used(userId);
          const coupons = [...campaigns.values()].map(({ code, title, percent, minimumCents }) => ({
            code,
            title,
            percent,
            minimum: { cents: BigInt(minimumCents), currency },
            used: used.has(code),
          }));
          return { coupons };
        },
        quote: async ({ userId, code, price }) => {
          const cents = discountCents(campaigns.get(code), price.cents);
          if ((await book.used(userId)).has(code)) redeemStep("another", "");
          return { discount: { cents, currency } };
        },
      },
      perform: { on: database, operations: couponOperations(book, campaigns) },
    };
  },
});
