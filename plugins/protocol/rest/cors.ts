import { z } from "zod";
import type { Incoming, Outgoing } from "./exchange.ts";

const origin = z
  .string()
  .regex(/^(\*|[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+)$/i, 'must be like https://shop.example, without a path, or "*"');

/** Which pages of other origins browsers let call. */
export const corsOptions = z
  .strictObject({
    origins: z
      .array(origin)
      .min(1)
      .describe('Origins of pages that may call, for example https://shop.example; "*": all.'),
    credentials: z
      .boolean()
      .default(false)
      .describe("Whether calls of those pages may carry cookies and other credentials of the browser."),
    maxAgeMs: z
      .int()
      .min(0)
      .default(600_000)
      .describe("How long browsers may remember what a page may do, in milliseconds."),
  })
  .refine(({ origins, credentials }) => !credentials || !origins.includes("*"), {
    path: ["credentials"],
    message: 'credentials are for origins that are named, not for "*": any page could act for whoever looks at it',
  });

export type CorsOptions = z.output<typeof corsOptions>;

/** Sets headers of the answer to a request of a page (WHATWG Fetch, "HTTP-responses"). */
export type Cors = (incoming: Incoming, outgoing: Outgoing) => void;

/** Headers that a page may not read unless it is told so, and that calls have: `*` does not stand for them with credentials. */
const exposed = "mortise-shapes, mortise-unhandled";

/** Lets pages of these origins call. `verbs` are those of a path; nothing where nothing is there. */
export function corsOf(options: CorsOptions, verbs: (path: string) => string | undefined): Cors {
  const { origins, credentials, maxAgeMs } = options;
  const all = origins.includes("*");
  const known = new Set(origins.map((one) => one.toLowerCase()));
  return ({ headers, method, url = "/" }, outgoing) => {
    const set = (name: string, value: string) => void outgoing.setHeader(name, value);
    if (!all) set("vary", "origin");
    const { origin } = headers;
    if (origin === undefined || !(all || known.has(origin.toLowerCase()))) return;
    set("access-control-allow-origin", all ? "*" : origin);
    if (credentials) set("access-control-allow-credentials", "true");
    if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined)
      return set("access-control-expose-headers", credentials ? exposed : "*");
    const allowed = verbs(url.split("?")[0] ?? "/");
    if (allowed !== undefined) set("access-control-allow-methods", allowed);
    const asked = headers["access-control-request-headers"];
    if (typeof asked === "string") set("access-control-allow-headers", asked);
    set("access-control-max-age", String(Math.floor(maxAgeMs / 1000)));
  };
}
