import type { Method } from "../contract/types.ts";
import type { CallContext } from "./context.ts";
import type { Instance } from "./instance.ts";
import type { Metadata } from "./metadata.ts";

/** One request on its way. Filters pass on a changed copy (`{ ...call, context }`), never change this one. */
export interface Call {
  readonly method: Method;
  /** The message; an AsyncIterable of messages where the client streams. */
  readonly request: unknown;
  readonly context: CallContext;
  /** Where this attempt goes; nothing before an instance is picked, and at the server. */
  readonly instance?: Instance | undefined;
}

/** What came back. */
export interface Reply {
  /** The message; an AsyncIterable of messages where the server streams. */
  readonly response: unknown;
  readonly headers: Metadata;
  /** Known once the call is over: for a stream, after its last message. */
  readonly trailers: () => Metadata;
}

/** Carries a call to its end: a handler, an instance, a whole cluster. Rejects with a StatusError. */
export type Invoker = (call: Call) => Promise<Reply>;

/** Wraps an invoker. The first filter of a chain is the outermost; returning `next` leaves the filter out. */
export type Wrap = (next: Invoker) => Invoker;

export function chain(wraps: readonly Wrap[], end: Invoker): Invoker {
  return wraps.reduceRight((next, wrap) => wrap(next), end);
}

/** Calls on; what the invoker throws at once counts as a rejection, as from a mistake of a plugin. */
export function going(invoke: Invoker, call: Call): Promise<Reply> {
  try {
    return invoke(call);
  } catch (error) {
    return Promise.reject(error);
  }
}
