import { StatusError, type TraceView } from "@mortise/kernel";
import { Hono } from "hono";
import type { Door } from "../door.ts";
import type { Files } from "../storefront.ts";
import { tracePage } from "../trace-page.ts";
import { waterfall } from "../waterfall.ts";

/** Where traces are looked up. */
export interface TraceSource {
  find(traceId: string): Promise<TraceView | undefined>;
  /** The page of a trace in Jaeger, where that is configured. */
  elsewhere(traceId: string): string | undefined;
}

/** `GET /traces/{id}`: a trace as a waterfall for people, or as JSON for programs. */
export function traceRoutes(traces: TraceSource, files: Files): Hono<Door> {
  return new Hono<Door>().get("/traces/:id{[0-9a-f]{32}}", async (request) => {
    const id = request.req.param("id");
    const view = await traces.find(id);
    const elsewhere = traces.elsewhere(id);
    if (request.req.header("accept")?.includes("text/html"))
      return request.html(tracePage(id, view && waterfall(view), elsewhere, files), view ? 200 : 404);
    if (!view)
      throw new StatusError("NOT_FOUND", "This trace is not kept here (any more).", { reason: "NO_SUCH_TRACE" });
    return request.json({ ...view, elsewhere });
  });
}
