import { definePlugin, type Ports, type Span, type Tracer, tracer } from "@mortise/kernel";
import { spanIds } from "@mortise/kernel/spi/span-ids";

/** Records nothing, and hands on the position in a trace as it came. */
export function offTracer({ ids: idPort }: Pick<Ports, "ids">): Tracer {
  const ids = spanIds(idPort);
  const nothing = () => undefined;
  const counts = Object.freeze({ recorded: 0, dropped: 0 });
  return {
    start: ({ parent }): Span => ({
      context: parent ?? { traceId: ids.trace(), spanId: ids.span(), sampled: false, state: "" },
      set: nothing,
      setAll: nothing,
      end: nothing,
    }),
    flush: async () => undefined,
    counts,
  };
}

export const off = definePlugin({
  spi: tracer,
  name: "off",
  description: "Records no spans",
  setup: ({ ports }) => ({ api: offTracer(ports) }),
});
