import type { Call, Invoker, Reply } from "../call/call.ts";
import type { Metadata } from "../call/metadata.ts";
import { noMetadata } from "../call/metadata.ts";
import { asReplied, handlerError } from "../call/outcome.ts";
import { type HandlerContext, serverContext } from "../call/server-context.ts";
import type { StatusError } from "../call/status.ts";
import { watchStream } from "../call/stream.ts";
import type { Method } from "../contract/types.ts";
import type { Log } from "../core/plugin.ts";
import type { Ids } from "../core/ports.ts";
import type { ServerContext } from "../spi/service.ts";

/** The handler of one method, its types erased. */
export type AnyHandler = (request: unknown, call: ServerContext) => unknown;

/** Where a handler's mistakes are told. */
export interface Witness {
  readonly log: Log;
  readonly ids: Ids;
}

/** The end of a provider's path: runs the handler with a context of its own, and makes a status of whatever it throws. */
export function handling(method: Method, handler: AnyHandler, witness: Witness): Invoker {
  const streams = method.kind === "server-stream" || method.kind === "bidi-stream";
  const failed = (error: unknown, context: HandlerContext) =>
    asReplied(handlerError(error, method, context, witness), context.trailers());
  return streams ? streaming(method, handler, failed) : answering(method, handler, failed);
}

type Failed = (error: unknown, context: HandlerContext) => StatusError;

function answering(method: Method, handler: AnyHandler, failed: Failed): Invoker {
  const empty = method.output.fields.length === 0 ? {} : undefined; // a handler of Empty may return nothing
  return (call) => {
    const context = serverContext(call.context);
    try {
      const answer = handler(call.request, context);
      if (!isPromise(answer)) return Promise.resolve(replyOf(answer ?? empty, context));
      return answer.then(
        (value) => replyOf(value ?? empty, context),
        (error: unknown) => {
          context.forgetListeners();
          throw failed(error, context);
        },
      );
    } catch (error) {
      context.forgetListeners();
      return Promise.reject(failed(error, context));
    }
  };
}

/** The reply is there with the first message or the end, so that headers are known and an early error is the reply. */
function streaming(method: Method, handler: AnyHandler, failed: Failed): Invoker {
  return async ({ request, context: given }: Call) => {
    const context = serverContext(given);
    const ended = (error: unknown) => {
      if (error === undefined) return context.forgetListeners();
      const told = failed(error, context);
      context.cancel(told); // calls the handler has made for this stream are of no use any more
      return told;
    };
    let source: unknown;
    try {
      source = handler(request, context);
      if (!isAsyncIterable(source)) throw new TypeError(`the handler of ${method.path} must return an AsyncIterable`);
    } catch (error) {
      throw failed(error, context);
    }
    const response = watchStream(source, ended, given);
    await response.begin();
    return { response, headers: context.headers(), trailers: () => context.trailers() };
  };
}

const noTrailers = () => noMetadata;

function replyOf(response: unknown, context: HandlerContext): Reply {
  context.forgetListeners(); // otherwise they would be kept until the deadline
  const trailers: Metadata = context.trailers();
  return {
    response,
    headers: context.headers(),
    trailers: trailers === noMetadata ? noTrailers : () => trailers,
  };
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
