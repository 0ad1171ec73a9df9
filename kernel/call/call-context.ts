import { systemPorts } from "../core/ports.ts";
import type { Baggage, CallContext, Caller, CancelListener, ContextChanges, ContextKey } from "./context.ts";
import { baggageOf, changedFacts, type Facts, noFacts } from "./context-facts.ts";
import type { Metadata } from "./metadata.ts";
import { StatusError } from "./status.ts";
import { type DeadlineWheel, deadlineWheel, type TimePorts, type WheelTimer } from "./timer-wheel.ts";
import type { TraceContext } from "./trace.ts";

/** A member of a list of those who want to hear of a cancellation. Intrusive, so that leaving costs nothing. */
interface Follower {
  previous: Follower | undefined;
  next: Follower | undefined;
  cancel(reason: StatusError): void;
}

class Listening implements Follower {
  previous: Follower | undefined = undefined;
  next: Follower | undefined = undefined;
  readonly cancel: CancelListener;

  constructor(listener: CancelListener) {
    this.cancel = listener;
  }
}

const nothingToForget = () => undefined;

/**
 * The kernel's context. It follows its parent, and sets its deadline on the wheel, only while somebody listens to it or to
 * a child of it. So a context nobody listens to costs its fields, and a parent that lives long keeps no children.
 */
export class ContextNode implements CallContext, Follower {
  previous: Follower | undefined = undefined;
  next: Follower | undefined = undefined;
  readonly deadline: number;
  ownDeadline = false;
  readonly trace: TraceContext | undefined;
  readonly facts: Facts;
  readonly wheel: DeadlineWheel;
  readonly #source: AbortSignal | undefined;
  #parent: ContextNode | undefined;
  #reason: StatusError | undefined = undefined;
  #first: Follower | undefined = undefined;
  #last: Follower | undefined = undefined;
  #timer: WheelTimer | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #aborted: (() => void) | undefined = undefined;

  constructor(
    wheel: DeadlineWheel,
    parent: ContextNode | undefined,
    deadline: number,
    trace: TraceContext | undefined,
    facts: Facts,
    source?: AbortSignal,
  ) {
    this.wheel = wheel;
    this.#parent = parent?.eternal ? undefined : parent;
    this.deadline = deadline;
    this.trace = trace;
    this.facts = facts;
    this.#source = source;
  }

  /** Whether it can never end. */
  get eternal(): boolean {
    return false;
  }

  get cancelled(): StatusError | undefined {
    const known = this.#known();
    if (known || this.#first || this.wheel.now() < this.deadline) return known; // with listeners the wheel will tell
    this.cancel(deadlineExceeded());
    return this.#reason;
  }

  /** The reason as far as somebody has noticed it: does not look at the clock. */
  #known(): StatusError | undefined {
    if (this.#reason) return this.#reason;
    const parent = this.#parent;
    const above = parent ? parent.#known() : undefined;
    const reason = above ?? (this.#source?.aborted ? abortReason(this.#source) : undefined);
    if (reason) this.cancel(reason);
    return reason;
  }

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    this.onCancel((reason) => controller.abort(reason));
    return controller.signal;
  }

  onCancel(listener: CancelListener): () => void {
    const reason = this.#known();
    if (reason) {
      listener(reason);
      return nothingToForget;
    }
    const listening = new Listening(listener);
    this.#add(listening);
    return () => this.#remove(listening);
  }

  cancel(reason: StatusError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#unfollow();
    this.#parent = undefined;
    for (let follower = this.#first; follower; follower = this.#first) {
      this.#remove(follower);
      notify(follower, reason);
    }
  }

  detach(): void {
    this.#known();
    const following = this.#first !== undefined;
    if (following) this.#unfollow();
    this.#parent = undefined;
    if (following) this.#follow();
  }

  /** Forgets those who listen to this very context, for whom it is over; its children go on following it. */
  forgetListeners(): void {
    for (let follower = this.#first; follower; ) {
      const { next } = follower;
      if (follower instanceof Listening) this.#remove(follower);
      follower = next;
    }
  }

  #add(follower: Follower): void {
    const last = this.#last;
    follower.previous = last;
    this.#last = follower;
    if (last) last.next = follower;
    else {
      this.#first = follower;
      this.#follow();
    }
  }

  #remove(follower: Follower): void {
    const { previous, next } = follower;
    if (!previous && this.#first !== follower) return; // it has left before
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    follower.previous = follower.next = undefined;
    if (!this.#first) this.#unfollow();
  }

  #follow(): void {
    const parent = this.#parent;
    if (parent) parent.#add(this);
    if (this.deadline < (parent ? parent.deadline : Number.POSITIVE_INFINITY)) {
      this.#timer = this.wheel.at(this.deadline, () => this.cancel(deadlineExceeded()));
    }
    const source = this.#source;
    if (!source) return;
    this.#aborted = () => this.cancel(abortReason(source));
    source.addEventListener("abort", this.#aborted, { once: true });
  }

  #unfollow(): void {
    const parent = this.#parent;
    if (parent) parent.#remove(this);
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#aborted) this.#source?.removeEventListener("abort", this.#aborted);
    this.#aborted = undefined;
  }

  get baggage(): Baggage {
    return baggageOf(this.facts);
  }

  get tenant(): string | undefined {
    return this.facts.tenant;
  }

  get idempotencyKey(): string | undefined {
    return this.facts.idempotencyKey;
  }

  get caller(): Caller | undefined {
    return this.facts.caller;
  }

  get incoming(): Metadata {
    return this.facts.incoming;
  }

  get outgoing(): Metadata {
    return this.facts.outgoing;
  }

  get headersListener(): ((headers: Metadata) => void) | undefined {
    return this.facts.onHeaders;
  }

  get trailersListener(): ((trailers: Metadata) => void) | undefined {
    return this.facts.onTrailers;
  }

  get<T>(key: ContextKey<T>): T {
    for (let slot = this.facts.slots; slot; slot = slot.next) {
      if (slot.symbol === key.symbol) return slot.value as T;
    }
    return key.initial;
  }

  set<T>({ symbol }: ContextKey<T>, value: T): CallContext {
    const slots = { symbol, value, next: this.facts.slots };
    const child = new ContextNode(this.wheel, this, this.deadline, this.trace, { ...this.facts, slots });
    child.ownDeadline = this.ownDeadline;
    return child;
  }

  with(changes: ContextChanges, now?: number): CallContext {
    const { timeoutMs, trace = this.trace, signal } = changes;
    const deadline = timeoutMs === undefined ? this.deadline : this.#deadlineIn(timeoutMs, now);
    const child = new ContextNode(this.wheel, this, deadline, trace, changedFacts(this.facts, changes), signal);
    child.ownDeadline = this.ownDeadline || timeoutMs !== undefined;
    return child;
  }

  #deadlineIn(timeoutMs: number, now: number = this.wheel.now()): number {
    if (!(timeoutMs >= 0)) throw new TypeError(`timeoutMs must be 0 or more milliseconds, not ${timeoutMs}`);
    return Math.min(this.deadline, now + timeoutMs);
  }
}

class Background extends ContextNode {
  override get eternal(): boolean {
    return true;
  }

  override onCancel(): () => void {
    return nothingToForget;
  }

  override cancel(): void {
    throw new TypeError("the background context cannot be cancelled; cancel a child made by `with`");
  }
}

const roots = new WeakMap<TimePorts, Background>();

/** The root that never ends, of these ports: what a call without a context is made with. */
export function backgroundOf(ports: TimePorts): CallContext {
  const known = roots.get(ports);
  if (known) return known;
  const root = new Background(deadlineWheel(ports), undefined, Number.POSITIVE_INFINITY, undefined, noFacts);
  roots.set(ports, root);
  return root;
}

/** The context of work that nobody asked for: no deadline, never cancelled. */
export const background: CallContext = backgroundOf(systemPorts);

/** A context of its own with these facts. `timeoutMs` counts from now on the clock of `ports`, the process's own by default. */
export function callContext(changes: ContextChanges = {}, ports: TimePorts = systemPorts): CallContext {
  return backgroundOf(ports).with(changes);
}

/** The kernel's own side of a context. Throws a TypeError for an object that is none of the kernel's. */
export function nodeOf(context: object): ContextNode {
  if (context instanceof ContextNode) return context;
  throw new TypeError(
    "this is not a context of Mortise: make one with `callContext`, or pass on the one of your handler",
  );
}

function notify(follower: Follower, reason: StatusError): void {
  try {
    follower.cancel(reason);
  } catch (error) {
    queueMicrotask(() => {
      throw error; // the listener's own mistake: it must not keep the others from hearing
    });
  }
}

function deadlineExceeded(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed");
}

function abortReason({ reason }: AbortSignal): StatusError {
  if (reason instanceof StatusError) return reason;
  const late = reason instanceof DOMException && reason.name === "TimeoutError";
  return late
    ? deadlineExceeded()
    : new StatusError("CANCELLED", "the caller has cancelled the call", { cause: reason });
}
