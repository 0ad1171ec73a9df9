import type { Metadata, MetadataInit } from "../call/metadata.ts";

/** The trailer a report comes in, named and written like the text form of an ORCA load report (Envoy's `endpoint-load-metrics`). */
export const loadReportTrailer = "endpoint-load-metrics";

/** The header by which a client asks for a report. */
export const loadReportHeader = "x-load-report";

/** What a client sends to get reports. */
export const asksForLoad: MetadataInit = Object.freeze({ [loadReportHeader]: "1" });

/** What a provider says about itself at the end of a call. */
export interface LoadReport {
  /** How busy it is: 0 idle, 1 saturated. */
  readonly load: number;
  /** How long it took for this call, in milliseconds. */
  readonly tookMs: number;
}

const loadField = "application_utilization=";
const tookField = "named_metrics.rt_ms=";

/** Rounded, so that a quiet provider writes the same text over and over. */
export function writeLoadReport({ load, tookMs }: LoadReport): string {
  return `TEXT ${loadField}${load.toFixed(2)},${tookField}${tookMs.toPrecision(2)}`;
}

/** Nothing when there is no report, or none that makes sense. */
export function readLoadReport(trailers: Metadata): LoadReport | undefined {
  const text = trailers.get(loadReportTrailer);
  if (text === undefined) return undefined;
  const load = numberAfter(loadField, text);
  const tookMs = numberAfter(tookField, text);
  return load >= 0 && tookMs >= 0 ? { load, tookMs } : undefined;
}

/** The number between a field's name and the next comma; NaN if there is none. */
function numberAfter(field: string, text: string): number {
  const at = text.indexOf(field);
  if (at < 0) return Number.NaN;
  const from = at + field.length;
  const end = text.indexOf(",", from);
  const digits = end < 0 ? text.slice(from) : text.slice(from, end);
  return digits === "" ? Number.NaN : Number(digits);
}
