import type { Context, Tracer } from "@mortise/kernel";
import { matchedRoutes } from "hono/route";
import type { Middleware, Request } from "./door.ts";
import { problemOf } from "./problem.ts";

/**
 * Begins a trace for each request, tells its id in `x-trace-id`, and gives handlers a context in it. A reader who leaves
 * cancels what was asked for; what changes something is carried through.
 */
export function tracing(tracer: Pick<Tracer, "start">, root: Context, timeoutMs: number): Middleware {
  return async (request, next) => {
    const { method } = request.req;
    const span = tracer.start({ name: `${method} ${routeOf(request)}`, kind: "server", service: "gateway" });
    span.set("http.request.method", method);
    span.set("url.path", request.req.path);
    const reads = method === "GET" || method === "HEAD";
    const changes = { trace: { ...span.context, service: "gateway" }, timeoutMs };
    request.set("call", root.with(reads ? { ...changes, signal: request.req.raw.signal } : changes));
    request.header("x-trace-id", span.context.traceId);
    await next();
    const failure = request.error && problemOf(request.error);
    span.set("http.response.status_code", request.res.status);
    span.end(failure?.code ?? "OK", failure?.detail);
  };
}

/** The pattern the request matched, which unlike its path is the same for all of its kind. */
function routeOf(request: Request): string {
  const handler = matchedRoutes(request).findLast(({ path }) => !path.endsWith("*"));
  return handler?.path ?? "(none)";
}
