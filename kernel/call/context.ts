import type { Metadata, MetadataInit } from "./metadata.ts";
import type { StatusError } from "./status.ts";
import type { TraceContext } from "./trace.ts";

/** A typed slot in a {@link Context}, for values that stay in this process. Make one per module, never one per call. */
export interface ContextKey<T> {
  readonly symbol: symbol;
  readonly initial: T;
}

export function contextKey<T>(name: string, initial: T): ContextKey<T> {
  return { symbol: Symbol(name), initial };
}

/** Who calls, as an identity filter established it. */
export interface Caller {
  readonly name: string;
  readonly claims: Readonly<Record<string, string>>;
}

export type Baggage = Readonly<Record<string, string>>;

export type CancelListener = (reason: StatusError) => void;

/** What a child context changes; everything left out is inherited. */
export interface ContextChanges {
  /** Ends the child at most this many milliseconds from `now`, never later than its parent. */
  readonly timeoutMs?: number;
  /** Cancels the child when aborted. */
  readonly signal?: AbortSignal;
  /** Headers the child's calls send, added to those already set. */
  readonly metadata?: MetadataInit;
  readonly trace?: TraceContext;
  readonly baggage?: Baggage;
  readonly tenant?: string;
  readonly idempotencyKey?: string;
  readonly caller?: Caller;
  /** Receives the headers of the reply as soon as they are known. */
  readonly onHeaders?: (headers: Metadata) => void;
  /** Receives the trailers when the call is over, also when it failed. */
  readonly onTrailers?: (trailers: Metadata) => void;
}

/**
 * Everything that travels with a call. A handler receives one and passes it to the calls it makes itself, which
 * thereby share its deadline, cancellation, trace, baggage, tenant and caller.
 */
export interface Context {
  /** When the call is over, in monotonic milliseconds of `clock.now()`; Infinity: never. */
  readonly deadline: number;
  /** Set once the call is cancelled or its deadline has passed. */
  readonly cancelled: StatusError | undefined;
  /** The same as a standard signal; made only when read. */
  readonly signal: AbortSignal;
  /** Runs `listener` when the call is cancelled, at once if it is already. Returns how to forget it. */
  onCancel(listener: CancelListener): () => void;
  readonly trace: TraceContext | undefined;
  readonly baggage: Baggage;
  readonly tenant: string | undefined;
  /** As the caller gave it. It is not handed on to nested calls: two of them would pass for one. */
  readonly idempotencyKey: string | undefined;
  /** Who calls, where a filter has established it. Never taken from a header. */
  readonly caller: Caller | undefined;
  /** Headers that came in with the request this context belongs to; empty for a context made here. */
  readonly incoming: Metadata;
  /** Headers that calls made with this context send. */
  readonly outgoing: Metadata;
  get<T>(key: ContextKey<T>): T;
  /** A child with changes. `timeoutMs` counts from `now`, the caller's `clock.now()`, default the context's clock. */
  with(changes: ContextChanges, now?: number): Context;
  /** A child with one value of this process. */
  set<T>(key: ContextKey<T>, value: T): Context;
}

/** The part of a context only the kernel, protocols and filters use. */
export interface CallContext extends Context {
  /** Cancels this context and every child. Later calls change nothing. Throws a TypeError for `background`. */
  cancel(reason: StatusError): void;
  /** Whether the deadline was chosen for calls made with this context, and not inherited from the request being handled. */
  readonly ownDeadline: boolean;
  /**
   * Stops following the context it was made from, for the time after its work is over; its own deadline stays. Without
   * it a context whose `signal` was read is kept by a parent that lives longer.
   */
  detach(): void;
  readonly headersListener: ((headers: Metadata) => void) | undefined;
  readonly trailersListener: ((trailers: Metadata) => void) | undefined;
  with(changes: ContextChanges, now?: number): CallContext;
  set<T>(key: ContextKey<T>, value: T): CallContext;
}
