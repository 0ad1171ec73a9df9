import { type Context, StatusError, type Tracer } from "@mortise/kernel";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Backends, Door, Request } from "./door.ts";
import type { Events } from "./events.ts";
import { guard, pageHeaders } from "./guard.ts";
import { problemOf } from "./problem.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { catalogueRoutes } from "./routes/catalogue.ts";
import { orderRoutes } from "./routes/orders.ts";
import { type TraceSource, traceRoutes } from "./routes/traces.ts";
import { walletRoutes } from "./routes/wallet.ts";
import { browserSession } from "./session.ts";
import { type Files, serveFiles } from "./storefront.ts";
import { tracing } from "./tracing.ts";

export interface DoorDeps {
  readonly backends: Backends;
  readonly tracer: Pick<Tracer, "start">;
  readonly traces: TraceSource;
  /** What calls without a request of their own are made with. */
  readonly root: Context;
  readonly events: Events;
  readonly files: Files;
  readonly secureCookies: boolean;
  /** Time for one request, in milliseconds. */
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  /** Told of errors that are bugs of ours. */
  readonly onBug: (error: unknown, request: string) => void;
}

/** Everything browsers can ask for, as one HTTP handler. */
export function door(deps: DoorDeps): Hono<Door> {
  const { backends, events } = deps;
  const session = browserSession(backends, deps.secureCookies);
  const api = new Hono<Door>()
    .use(tracing(deps.tracer, deps.root, deps.timeoutMs))
    .use(guard)
    .use(bodyLimit({ maxSize: deps.maxBodyBytes, onError: tooLarge }))
    .route("/", accountRoutes(backends, session))
    .route("/", catalogueRoutes(backends, events))
    .route("/", orderRoutes(backends, session, events))
    .route("/", walletRoutes(backends, session))
    .all("/*", ({ req }) => {
      throw new StatusError("NOT_FOUND", `There is no ${req.method} ${req.path}.`, { reason: "NO_SUCH_PATH" });
    });
  return new Hono<Door>()
    .onError((error, request) => {
      if (!(error instanceof StatusError)) deps.onBug(error, `${request.req.method} ${request.req.path}`);
      return answer(request, error);
    })
    .use(pageHeaders)
    .get("/healthz", (request) => request.json({ status: "ok" }))
    .route("/api", api)
    .route("/", traceRoutes(deps.traces, deps.files))
    .get("/*", serveFiles(deps.files));
}

function answer(request: Request, error: unknown): Response {
  const problem = { type: "about:blank", ...problemOf(error), traceId: request.res.headers.get("x-trace-id") };
  return request.body(JSON.stringify(problem), problem.status as 400, { "content-type": "application/problem+json" });
}

function tooLarge(): never {
  throw new StatusError("INVALID_ARGUMENT", "The body of this request is too large.", { reason: "BODY_TOO_LARGE" });
}
