import { StatusError } from "@mortise/kernel";
import type { Middleware } from "./door.ts";

/** Whether a request that changes something may come from where the browser says it does. */
export function fromHere(headers: Headers, host: string): boolean {
  const site = headers.get("sec-fetch-site");
  if (site) return site === "same-origin" || site === "none";
  const origin = headers.get("origin");
  return !origin || (URL.canParse(origin) && new URL(origin).host === host);
}

/** Refuses requests that change something and were made by another site's page, or that bring other than JSON. */
export const guard: Middleware = async ({ req }, next) => {
  if (req.method !== "GET" && req.method !== "HEAD") {
    if (!fromHere(req.raw.headers, req.header("host") ?? ""))
      throw new StatusError("PERMISSION_DENIED", "This request comes from another site.", { reason: "OTHER_SITE" });
    const type = req.header("content-type");
    if (type && !/^application\/json\b/i.test(type))
      throw new StatusError("INVALID_ARGUMENT", "Send a JSON body (content-type: application/json).", {
        reason: "NOT_JSON",
      });
  }
  await next();
};

/** Headers that keep a page from being framed, sniffed, or loading anything from elsewhere. */
export const pageHeaders: Middleware = async (request, next) => {
  await next();
  const policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
  request.header("content-security-policy", `${policy}; base-uri 'none'; form-action 'self'`);
  request.header("x-content-type-options", "nosniff");
  request.header("referrer-policy", "same-origin");
};
