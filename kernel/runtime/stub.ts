import type { Call, Invoker, Reply } from "../call/call.ts";
import type { CallContext, Context } from "../call/context.ts";
import { asStatusError } from "../call/outcome.ts";
import { sendingContext } from "../call/server-context.ts";
import { StatusError } from "../call/status.ts";
import { deferredStream, watchStream } from "../call/stream.ts";
import type { Method } from "../contract/types.ts";
import type { Generation } from "../core/plugin.ts";
import type { LeasedPath } from "./lease.ts";

/** What a stub stands on. */
export interface StubSetup {
  readonly method: Method;
  readonly path: LeasedPath;
  readonly generation: () => Generation;
  /** For calls without a context. */
  readonly root: CallContext;
}

/** A method of a client: takes the request, or the stream of them, and perhaps a context. */
export type Stub = (request: unknown, context?: Context) => unknown;

export function stubOf(setup: StubSetup): Stub {
  const { kind } = setup.method;
  return kind === "server-stream" || kind === "bidi-stream" ? streamingStub(setup) : answerStub(setup);
}

/** Calls that give one answer. Holds the generation it began in until then. */
function answerStub({ method, path, generation, root }: StubSetup): Stub {
  return (request, given = root) => {
    let sent: Promise<Reply>;
    const now = generation();
    let context: CallContext;
    try {
      context = sendingContext(given);
      const invoke = path.in(now);
      now.enter();
      try {
        sent = invoke({ method, request: requestFor(method, request), context, instance: undefined });
      } catch (error) {
        sent = Promise.reject(error);
      }
    } catch (error) {
      return Promise.reject(asStatusError(error)); // no context, or a path that cannot be compiled
    }
    return sent.then(
      (reply) => {
        now.leave();
        if (context.headersListener) context.headersListener(reply.headers);
        if (context.trailersListener) context.trailersListener(reply.trailers());
        return reply.response;
      },
      (error: unknown) => {
        now.leave();
        throw failedWith(error, context);
      },
    );
  };
}

/** Calls that give a stream. They begin when the stream is read, and hold their generation until it is over. */
function streamingStub({ method, path, generation, root }: StubSetup): Stub {
  return (request, given = root) => {
    const context = sendingContext(given).with({});
    async function open(): Promise<AsyncIterable<unknown>> {
      const now = generation();
      const { invoke, call } = prepared(now);
      now.enter();
      const over = () => {
        now.leave();
        context.detach();
      };
      try {
        return replied(await invoke(call), over);
      } catch (error) {
        over();
        throw failedWith(error, context);
      }
    }
    function prepared(now: Generation): { readonly invoke: Invoker; readonly call: Call } {
      try {
        return {
          invoke: path.in(now),
          call: { method, request: requestFor(method, request), context, instance: undefined },
        };
      } catch (error) {
        throw asStatusError(error);
      }
    }
    function replied(reply: Reply, over: () => void): AsyncIterable<unknown> {
      if (context.headersListener) context.headersListener(reply.headers);
      return watchStream(
        reply.response as AsyncIterable<unknown>,
        (error) => {
          over();
          if (error !== undefined) return failedWith(error, context);
          if (context.trailersListener) context.trailersListener(reply.trailers());
          return undefined;
        },
        context,
      );
    }
    const abandon = () => context.cancel(new StatusError("CANCELLED", "the reader of the stream has left"));
    return deferredStream(open, abandon);
  };
}

function failedWith(error: unknown, context: CallContext): StatusError {
  const failed = asStatusError(error);
  if (context.trailersListener) context.trailersListener(failed.trailers);
  return failed;
}

function requestFor(method: Method, request: unknown): unknown {
  if (method.kind !== "client-stream" && method.kind !== "bidi-stream") return request;
  if (typeof request === "object" && request !== null && Symbol.asyncIterator in request) return request;
  throw new StatusError("INVALID_ARGUMENT", `${method.path} takes a stream: give it an AsyncIterable of requests`, {
    neverSent: true,
  });
}
