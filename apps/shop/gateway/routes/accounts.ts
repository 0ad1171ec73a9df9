import { Hono } from "hono";
import { z } from "zod";
import { readBody } from "../body.ts";
import type { Backends, Door } from "../door.ts";
import type { BrowserSession } from "../session.ts";
import { accountView } from "../views.ts";

const text = z.string().max(1000);
const registration = z.strictObject({ email: text, password: text, name: text });
const credentials = z.strictObject({ email: text, password: text });
const profile = z.strictObject({ name: text });

/** Register, log in and out, who am I. */
export function accountRoutes({ user }: Backends, session: BrowserSession): Hono<Door> {
  return new Hono<Door>()
    .post("/register", async (request) => {
      const opened = await user.register(await readBody(request, registration), request.var.call);
      session.open(request, opened);
      return request.json(accountView(opened.account), 201);
    })
    .post("/login", async (request) => {
      const opened = await user.login(await readBody(request, credentials), request.var.call);
      session.open(request, opened);
      return request.json(accountView(opened.account));
    })
    .post("/logout", async (request) => {
      await session.close(request);
      return request.body(null, 204);
    })
    .get("/me", async (request) => {
      const account = await session.visitor(request);
      return request.json(account ? accountView(account) : null);
    })
    .patch("/me", async (request) => {
      const userId = await session.userId(request);
      const { name } = await readBody(request, profile);
      return request.json(accountView(await user.updateProfile({ userId, name }, request.var.call)));
    });
}
