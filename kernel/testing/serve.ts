import type { Invoker, Reply } from "../call/call.ts";
import type { CallContext } from "../call/context.ts";
import { asReplied, handlerError } from "../call/outcome.ts";
import { type HandlerContext, serverContext } from "../call/server-context.ts";
import type { Method, ServiceType } from "../contract/types.ts";
import type { Log } from "../core/plugin.ts";
import { systemPorts } from "../core/ports.ts";
import type { ServedService } from "../spi/protocol.ts";
import type { Handlers, Offer } from "../spi/service.ts";

type AnyHandler = Offer["handlers"][string];

/** What a listener is given to offer, made of bare handlers: without filters, and without a kernel. */
export function servedService<S extends ServiceType>(service: S, handlers: Handlers<S>, log: Log): ServedService {
  const byName = handlers as unknown as Offer["handlers"];
  const methods = Object.entries(service.methods).map(
    ([name, method]) => [name, { method, invoke: invoker(method, byName[name] as AnyHandler, log) }] as const,
  );
  return { service, methods: new Map(methods) };
}

function invoker(method: Method, handler: AnyHandler, log: Log): Invoker {
  const streams = method.kind === "server-stream" || method.kind === "bidi-stream";
  return async ({ request, context }) => {
    const own = serverContext(context);
    try {
      const response = await handler(request as never, own);
      return reply(streams ? told(response as AsyncIterable<unknown>, method, own, log) : response, own);
    } catch (error) {
      throw outcome(error, method, own, log);
    }
  };
}

async function* told(response: AsyncIterable<unknown>, method: Method, own: HandlerContext, log: Log) {
  try {
    yield* response;
  } catch (error) {
    throw outcome(error, method, own, log);
  }
}

function outcome(error: unknown, method: Method, own: HandlerContext, log: Log) {
  return asReplied(handlerError(error, method, own as CallContext, { log, ids: systemPorts.ids }), own.trailers());
}

/** A stream's headers are read when its first message is sent. */
function reply(response: unknown, own: HandlerContext): Reply {
  return {
    response,
    get headers() {
      return own.headers();
    },
    trailers: () => own.trailers(),
  };
}
