import type { Instance, Span, StatusCode, TraceContext } from "@mortise/kernel";

/** The first attempt of a call, of which there is a span only if there is a second one. */
export interface FirstAttempt {
  readonly instance: Instance | undefined;
  readonly startMs: number;
  /** Set when it has failed before there was a second one. */
  ended?: { readonly code: StatusCode; readonly message: string; readonly atMs: number };
  /** Set when there was a second attempt while this one was under way. */
  span?: Span;
}

/** The position of a sampled call in its trace, and what this filter keeps about it between its places. */
export class LocalTrace implements TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly state: string;
  /** The service whose work it is; calls made for it come from there. */
  readonly service: string;
  readonly span: Span;
  attempts = 0;
  first: FirstAttempt | undefined = undefined;

  constructor(span: Span, service: string) {
    const { traceId, spanId, sampled, state } = span.context;
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = sampled;
    this.state = state;
    this.service = service;
    this.span = span;
  }
}
