import { styleText } from "node:util";

/** The part of a span that is printed. */
interface SpanJson {
  readonly trace: { readonly spanId: string };
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: string;
  readonly service: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly code: string;
}

/** What `GET /traces/{id}` gives to programs. */
export interface TraceJson {
  readonly traceId: string;
  readonly spans: readonly SpanJson[];
}

/** Prints a trace as a tree: service, method, when it began, how long it took. */
export function printTrace({ spans }: TraceJson, say: (line: string) => void): void {
  const start = Math.min(...spans.map((span) => span.startMs));
  const known = new Set(spans.map((span) => span.trace.spanId));
  const ordered = [...spans].sort((a, b) => a.startMs - b.startMs);
  const childrenOf = (id: string) =>
    ordered.filter((span) => (known.has(span.parentSpanId) ? span.parentSpanId : "") === id);

  function print(span: SpanJson, depth: number): void {
    const what = `${"  ".repeat(depth)}${span.kind.padEnd(8)} ${shortName(span.name)}`;
    const at = `+${(span.startMs - start).toFixed(1)}`.padStart(8);
    const took = `${span.durationMs.toFixed(2)} ms`.padStart(10);
    const code = span.code === "OK" ? "" : styleText("yellow", ` ${span.code}`);
    say(`  ${styleText("cyan", span.service.padEnd(10))} ${what.padEnd(58)} ${styleText("dim", at)} ${took}${code}`);
    for (const child of childrenOf(span.trace.spanId)) print(child, depth + 1);
  }

  for (const root of childrenOf("")) print(root, 0);
}

function shortName(name: string): string {
  return name.replace(/\b(?:[a-z][a-z0-9_]*\.)+(?=[A-Z])/, "");
}
