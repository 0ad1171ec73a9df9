/** The position of a call in its trace (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** The `tracestate` header as it came, or empty. */
  readonly state: string;
  /** The service whose work it is, for spans of calls made for it; known in this process only. */
  readonly service?: string;
}

const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const zeroTrace = "0".repeat(32);
const zeroSpan = "0".repeat(16);

/** What every platform must be able to carry of a `tracestate`, in characters and members. */
export const maxTraceState = 512;
const maxTraceStateMembers = 32;

/**
 * Reads `traceparent` and `tracestate`. Nothing when the first is malformed, as the recommendation asks: the trace then
 * starts anew. A version above 00 is read as far as it is known.
 */
export function decodeTrace(parent: string, state = ""): TraceContext | undefined {
  if (!traceparent.test(parent) || parent.startsWith("ff")) return undefined;
  if (parent.startsWith("00") && parent.length !== 55) return undefined;
  const traceId = parent.slice(3, 35);
  const spanId = parent.slice(36, 52);
  if (traceId === zeroTrace || spanId === zeroSpan) return undefined;
  const sampled = (Number.parseInt(parent.slice(53, 55), 16) & 1) === 1;
  return { traceId, spanId, sampled, state: state === "" ? "" : shortened(state) };
}

/** Writes `traceparent`. */
export function encodeTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** Drops whole members from the end until the rest is within the limits; all of it when it is not printable ASCII. */
function shortened(state: string): string {
  if (!/^[\x20-\x7e]*$/.test(state)) return "";
  const members = state.split(",").slice(0, maxTraceStateMembers);
  while (members.join(",").length > maxTraceState) members.pop();
  return members.join(",");
}
