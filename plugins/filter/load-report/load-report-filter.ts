import { type Clock, type Filter, type Invoker, type Metadata, mergeMetadata, metadata } from "@mortise/kernel";
import type { LoadGauge } from "@mortise/kernel/spi/event-loop-load";
import { loadReportHeader, loadReportTrailer, writeLoadReport } from "@mortise/kernel/spi/load-report";

/**
 * Adds a report to the trailers of calls with one answer whose caller asked for it: how busy the process is, and how long it
 * took for the call. Calls that failed carry none.
 */
export function loadReportFilter(clock: Clock, gauge: Pick<LoadGauge, "read">): Filter {
  const reportOf = reports();
  return {
    wrap({ place, method: { kind } }) {
      if (place !== "provider" || (kind !== "unary" && kind !== "client-stream")) return undefined;
      return (next) => {
        const reporting: Invoker = async (call) => {
          const began = clock.now();
          const reply = await next(call);
          const report = reportOf(writeLoadReport({ load: gauge.read(), tookMs: clock.now() - began }));
          return { ...reply, trailers: () => mergeMetadata(reply.trailers(), report) };
        };
        return (call) => (call.context.incoming.get(loadReportHeader) === undefined ? next(call) : reporting(call));
      };
    },
  };
}

/** Metadata of a report, made only when it differs from the one before. */
function reports(): (text: string) => Metadata {
  let last = "";
  let made: Metadata = metadata({});
  return (text) => {
    if (text !== last) made = metadata({ [loadReportTrailer]: text });
    last = text;
    return made;
  };
}
