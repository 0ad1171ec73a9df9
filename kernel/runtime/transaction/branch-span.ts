import { asStatusError } from "../../call/outcome.ts";
import { decodeTrace, type TraceContext } from "../../call/trace.ts";
import type { Tracer } from "../../spi/tracer.ts";

/** What one request about a branch is about. */
export interface BranchSpan {
  /** What is done with it: an action, or `publish` where it is handed to the bus. */
  readonly phase: string;
  readonly gid: string;
  readonly strategy: string;
  /** The name of the transaction. */
  readonly transaction: string;
  readonly branch: string;
  readonly participant: string;
  readonly steps: readonly { readonly step: string }[];
}

/** Does something about a branch in a span of its own, below where the transaction, or a request about it, is in its trace. */
export async function inBranchSpan<T>(
  tracer: Tracer | undefined,
  { phase, gid, strategy, transaction, branch, participant, steps }: BranchSpan,
  trace: TraceContext | undefined,
  work: (trace?: TraceContext) => Promise<T>,
): Promise<T> {
  const span = tracer?.start({
    name: `${phase} ${steps.map(({ step }) => step).join("+")}`,
    kind: "internal",
    service: trace?.service ?? transaction,
    parent: trace,
    attributes: {
      "mortise.transaction.gid": gid,
      "mortise.transaction.strategy": strategy,
      "mortise.transaction.branch": branch,
      "mortise.transaction.participant": participant,
    },
  });
  try {
    const value = await work(span?.context ?? trace);
    span?.end("OK");
    return value;
  } catch (error) {
    const { code, message } = asStatusError(error);
    span?.end(code, message);
    throw error;
  }
}

/** Where a transaction is in its trace, as it is kept with it; its spans are of the service given. */
export function keptTrace(traceparent: string, service: string): TraceContext | undefined {
  const trace = decodeTrace(traceparent);
  return trace && { ...trace, service };
}
