import type { StatusCode } from "../call/status.ts";
import type { AttributeValue, SpanKind, SpanRecord } from "./tracer.ts";

type Attributes = Readonly<Record<string, AttributeValue>>;

/**
 * A fixed number of finished spans, field by field in arrays made beforehand. Keeping a span here costs no object that
 * outlives it, which at a hundred thousand spans a second is what a garbage collector spends its time on.
 */
export class SpanColumns {
  readonly #traceIds: string[];
  readonly #spanIds: string[];
  readonly #states: string[];
  readonly #parents: string[];
  readonly #names: string[];
  readonly #kinds: SpanKind[];
  readonly #services: string[];
  readonly #codes: StatusCode[];
  readonly #messages: string[];
  readonly #attributes: Attributes[];
  readonly #starts: Float64Array;
  readonly #durations: Float64Array;

  constructor(size: number) {
    const column = <T>(value: T) => new Array<T>(size).fill(value);
    this.#traceIds = column("");
    this.#spanIds = column("");
    this.#states = column("");
    this.#parents = column("");
    this.#names = column("");
    this.#kinds = column<SpanKind>("internal");
    this.#services = column("");
    this.#codes = column<StatusCode>("OK");
    this.#messages = column("");
    this.#attributes = column<Attributes>(Object.freeze({}));
    this.#starts = new Float64Array(size);
    this.#durations = new Float64Array(size);
  }

  /** Takes down a sampled span at a place, in place of the one that was there. */
  put(at: number, span: SpanRecord): void {
    const { trace } = span;
    this.#traceIds[at] = trace.traceId;
    this.#spanIds[at] = trace.spanId;
    this.#states[at] = trace.state;
    this.#parents[at] = span.parentSpanId;
    this.#names[at] = span.name;
    this.#kinds[at] = span.kind;
    this.#services[at] = span.service;
    this.#codes[at] = span.code;
    this.#messages[at] = span.message;
    this.#attributes[at] = span.attributes;
    this.#starts[at] = span.startMs;
    this.#durations[at] = span.durationMs;
  }

  /** Empty where nothing has been put yet. */
  traceId(at: number): string {
    return this.#traceIds[at] as string;
  }

  get(at: number): SpanRecord {
    return {
      trace: {
        traceId: this.#traceIds[at] as string,
        spanId: this.#spanIds[at] as string,
        sampled: true,
        state: this.#states[at] as string,
      },
      parentSpanId: this.#parents[at] as string,
      name: this.#names[at] as string,
      kind: this.#kinds[at] as SpanKind,
      startMs: this.#starts[at] as number,
      durationMs: this.#durations[at] as number,
      code: this.#codes[at] as StatusCode,
      message: this.#messages[at] as string,
      attributes: this.#attributes[at] as Attributes,
      service: this.#services[at] as string,
    };
  }
}
