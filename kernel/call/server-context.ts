import { ContextNode, nodeOf } from "./call-context.ts";
import type { CallContext, Context } from "./context.ts";
import { handlerFacts, receivedFacts, sentFacts } from "./context-facts.ts";
import { type Metadata, type MetadataValue, metadata, noMetadata } from "./metadata.ts";

/** Collects the headers or trailers a handler sets; made when the first one is set. */
type Collected = Map<string, MetadataValue[]>;

/** The context a handler receives: calls made with it share deadline and cancellation, but not the request's own headers. */
export class HandlerContext extends ContextNode {
  #headers: Collected | undefined = undefined;
  #trailers: Collected | undefined = undefined;

  /** Throws a TypeError for a name or value gRPC does not allow in headers. */
  setHeader(name: string, value: MetadataValue): void {
    this.#headers = collect(this.#headers, name, value);
  }

  /** Throws a TypeError for a name or value gRPC does not allow in trailers. */
  setTrailer(name: string, value: MetadataValue): void {
    this.#trailers = collect(this.#trailers, name, value);
  }

  /** The headers set so far. */
  headers(): Metadata {
    return collected(this.#headers);
  }

  /** The trailers set so far. */
  trailers(): Metadata {
    return collected(this.#trailers);
  }
}

/** The context a handler of an event receives. */
export class EventHandlerContext extends ContextNode {
  id = "";
  attempt = 1;
}

/** Makes the context for the handler of a request that came in with `context`. */
export function serverContext(context: CallContext): HandlerContext {
  const node = nodeOf(context);
  return new HandlerContext(node.wheel, node, node.deadline, node.trace, handlerFacts(node.facts));
}

/** Makes the context for the handler of an event. */
export function eventContext(context: CallContext, id: string, attempt: number): EventHandlerContext {
  const node = nodeOf(context);
  const made = new EventHandlerContext(node.wheel, node, node.deadline, node.trace, handlerFacts(node.facts));
  made.id = id;
  made.attempt = attempt;
  return made;
}

/**
 * What the server sees of a call made with `context` in the same process: its outgoing headers have come in, process
 * values, listeners and its own incoming headers are gone. It is cancelled together with `context`.
 */
export function receivedContext(context: CallContext): CallContext {
  const node = nodeOf(context);
  return new ContextNode(node.wheel, node, node.deadline, node.trace, receivedFacts(node.facts));
}

/** The context to make a call with: `context`, without an idempotency key that belongs to the request being handled. */
export function sendingContext(context: Context): CallContext {
  const node = nodeOf(context);
  const facts = sentFacts(node.facts);
  if (facts === node.facts) return node;
  const sending = new ContextNode(node.wheel, node, node.deadline, node.trace, facts);
  sending.ownDeadline = node.ownDeadline;
  return sending;
}

function collect(into: Collected = new Map(), name: string, value: MetadataValue): Collected {
  metadata({ [name]: value }); // throws where the handler can see it
  const values = into.get(name);
  if (values) values.push(value);
  else into.set(name, [value]);
  return into;
}

function collected(from: Collected | undefined): Metadata {
  return from ? metadata(Object.fromEntries(from)) : noMetadata;
}
