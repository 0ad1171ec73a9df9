import type { Client, Context } from "@mortise/kernel";
import type { Inventory } from "@mortise/proto/shop/inventory";
import type { Marketing } from "@mortise/proto/shop/marketing";
import type { Orders } from "@mortise/proto/shop/order";
import type { Payments } from "@mortise/proto/shop/payment";
import type { User } from "@mortise/proto/shop/user";
import type { Context as HonoContext, MiddlewareHandler } from "hono";

/** The services behind the gateway. */
export interface Backends {
  readonly user: Client<typeof User>;
  readonly inventory: Client<typeof Inventory>;
  readonly marketing: Client<typeof Marketing>;
  readonly payments: Client<typeof Payments>;
  readonly orders: Client<typeof Orders>;
}

/** What middleware establishes for the handler of a request. */
export interface Door {
  Variables: {
    /** In the request's own trace; calls made for the request are made with it. */
    call: Context;
  };
}

export type Request = HonoContext<Door>;
export type Middleware = MiddlewareHandler<Door>;
