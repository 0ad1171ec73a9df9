import type { AttributeValue, Span, SpanKind, SpanRecord, SpanStart, StatusCode, TraceContext } from "@mortise/kernel";

/** Where a span goes when it ends, and the clock it is measured by. */
export interface Recorder {
  /** Monotonic milliseconds. */
  now(): number;
  /** What to add to `now()` for wall milliseconds. */
  readonly wallOffset: number;
  /** Takes down what the span is now; nothing of it is kept. */
  record(span: SpanRecord): void;
}

type Attributes = Readonly<Record<string, AttributeValue>>;

const none: Attributes = Object.freeze({});

/** A span that is recorded, and its own position in the trace. */
export class RecordedSpan implements Span, SpanRecord, TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled = true;
  readonly state: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly service: string;
  readonly startMs: number;
  durationMs = -1;
  code: StatusCode = "OK";
  message = "";
  attributes: Attributes;
  /** Whether `attributes` is our own copy. */
  #owned = false;
  readonly #recorder: Recorder;
  /** As it was at the start, so that a clock that is set meanwhile does not change the duration. */
  readonly #wallOffset: number;

  constructor(start: SpanStart, traceId: string, spanId: string, recorder: Recorder) {
    const { parent } = start;
    this.traceId = traceId;
    this.spanId = spanId;
    this.state = parent === undefined ? "" : parent.state;
    this.parentSpanId = parent === undefined ? "" : parent.spanId;
    this.name = start.name;
    this.kind = start.kind;
    this.service = start.service;
    this.#wallOffset = recorder.wallOffset;
    this.startMs = start.startMs ?? recorder.now() + this.#wallOffset;
    this.attributes = start.attributes ?? none;
    this.#recorder = recorder;
  }

  get context(): TraceContext {
    return this;
  }

  get trace(): TraceContext {
    return this;
  }

  set(name: string, value: AttributeValue): void {
    if (this.durationMs >= 0) return;
    if (!this.#owned) this.attributes = { ...this.attributes };
    this.#owned = true;
    (this.attributes as Record<string, AttributeValue>)[name] = value;
  }

  setAll(attributes: Attributes): void {
    if (this.durationMs >= 0) return;
    this.attributes = attributes;
    this.#owned = false;
  }

  end(code: StatusCode, message = "", atMs = this.#recorder.now() + this.#wallOffset): void {
    if (this.durationMs >= 0) return;
    this.durationMs = Math.max(0, atMs - this.startMs);
    this.code = code;
    this.message = message;
    this.#recorder.record(this);
  }
}

/** A span nobody will see. */
export class UnsampledSpan implements Span {
  readonly context: TraceContext;

  constructor(context: TraceContext) {
    this.context = context;
  }

  set(): void {}

  setAll(): void {}

  end(): void {}
}
