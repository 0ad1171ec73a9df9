import type { AttributeValue, Span, SpanKind, SpanRecord, SpanStart, StatusCode, TraceContext } from "@mortise/kernel";

/** Where a span goes when it ends, and the clock it is measured by. */
export interface Recorder {
  /** Monotonic milliseconds. */
  now(): number;
  /** What to add to `now()` for wall milliseconds. */
  readonly wallOffset: number;
  record(span: SpanRecord): void;
}

const none: Readonly<Record<string, AttributeValue>> = Object.freeze({});

/** A span that is recorded: first the span under way, then, unchanged, its own record. */
export class RecordedSpan implements Span, SpanRecord {
  readonly trace: TraceContext;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly service: string;
  readonly startMs: number;
  durationMs = -1;
  code: StatusCode = "OK";
  message = "";
  #attributes: Readonly<Record<string, AttributeValue>>;
  /** Names and values in turn, put into `#attributes` when somebody reads them. */
  #added: AttributeValue[] | undefined = undefined;
  readonly #recorder: Recorder;
  /** As it was at the start, so that a clock that is set meanwhile does not change the duration. */
  readonly #wallOffset: number;

  constructor(start: SpanStart, trace: TraceContext, recorder: Recorder) {
    this.trace = trace;
    this.parentSpanId = start.parent === undefined ? "" : start.parent.spanId;
    this.name = start.name;
    this.kind = start.kind;
    this.service = start.service;
    this.#wallOffset = recorder.wallOffset;
    this.startMs = start.startMs ?? recorder.now() + this.#wallOffset;
    this.#attributes = start.attributes ?? none;
    this.#recorder = recorder;
  }

  get context(): TraceContext {
    return this.trace;
  }

  get attributes(): Readonly<Record<string, AttributeValue>> {
    const added = this.#added;
    if (!added) return this.#attributes;
    const all = { ...this.#attributes };
    for (let i = 0; i < added.length; i += 2) all[added[i] as string] = added[i + 1] as AttributeValue;
    this.#added = undefined;
    this.#attributes = all;
    return all;
  }

  set(name: string, value: AttributeValue): void {
    if (this.durationMs >= 0) return;
    if (this.#added) this.#added.push(name, value);
    else this.#added = [name, value];
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

  end(): void {}
}
