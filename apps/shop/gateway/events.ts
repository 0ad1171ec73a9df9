import type { Context } from "@mortise/kernel";
import { streamSSE } from "hono/streaming";
import type { Request } from "./door.ts";
import { problemOf } from "./problem.ts";

/** Answers with server-sent events: one per value of a stream, and `end` after the last. */
export type Events = <T>(
  request: Request,
  event: string,
  open: (call: Context) => AsyncIterable<T>,
  view: (value: T) => unknown,
) => Response;

/** A stream ends when the browser leaves, after `maxMs` (the browser then asks again), or once `closing` is aborted. */
export function serverSentEvents(root: Context, maxMs: number, closing: AbortSignal): Events {
  return (request, event, open, view) =>
    streamSSE(request, async (sse) => {
      const gone = new AbortController();
      sse.onAbort(() => gone.abort());
      const { trace } = request.var.call;
      const signal = AbortSignal.any([gone.signal, closing]);
      const call = root.with({ timeoutMs: maxMs, signal, ...(trace && { trace }) });
      try {
        for await (const value of open(call)) await sse.writeSSE({ event, data: JSON.stringify(view(value)) });
        await sse.writeSSE({ event: "end", data: "{}" });
      } catch (error) {
        const { code, detail } = problemOf(error);
        if (!call.cancelled) await sse.writeSSE({ event: "problem", data: JSON.stringify({ code, detail }) });
      }
    });
}
