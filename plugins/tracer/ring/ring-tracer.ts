import type { Log, Ports, Running, Span, SpanStart, Telemetry, Timer, Tracer } from "@mortise/kernel";
import { spanIds } from "@mortise/kernel/spi/span-ids";
import { RecordedSpan, type Recorder, UnsampledSpan } from "./span.ts";
import { spanQueue } from "./span-queue.ts";

export interface RingTracerOptions {
  readonly ratio: number;
  readonly capacity: number;
  readonly drainMs: number;
}

/** Spans handed over in one go. */
const batchSize = 512;

/** How long spans are handed over before other work gets its turn, in milliseconds. */
const turnMs = 2;

/**
 * Records spans in a ring and hands them to `receivers` in batches, off the path of calls. Whether a trace is recorded
 * is decided at its root, before anything is made for it; everything below follows that decision.
 */
export function ringTracer(
  { ratio, capacity, drainMs }: RingTracerOptions,
  { clock, timers, random, ids: idPort }: Ports,
  receivers: () => Iterable<Telemetry>,
  log: Log,
): Running<Tracer> {
  const ids = spanIds(idPort);
  const queue = spanQueue(capacity);
  let recorded = 0;
  let droppedBefore = 0;
  let wallOffset = clock.wall() - clock.now();
  let timer: Timer | undefined;
  let hurried = false;

  const recorder: Recorder = {
    now: () => clock.now(),
    get wallOffset() {
      return wallOffset;
    },
    record(span) {
      recorded++;
      queue.push(span);
      if (!timer) timer = timers.after(drainMs, drain);
      else if (!hurried && queue.size > capacity / 2) hurry();
    },
  };

  function hurry(): void {
    hurried = true;
    timer?.cancel();
    timer = timers.after(0, drain);
  }

  function handOver(): void {
    const batch = queue.take(batchSize);
    for (const { spans } of receivers()) {
      try {
        spans?.(batch);
      } catch (error) {
        log.error("a telemetry plugin failed to take spans", { error });
      }
    }
  }

  function drain(): void {
    const end = clock.now() + turnMs;
    do handOver();
    while (queue.size > 0 && clock.now() < end);
    wallOffset = adjusted(wallOffset, clock.wall() - clock.now());
    timer = undefined;
    hurried = false;
    if (queue.size > 0) hurry();
    else sayWhatIsLost();
  }

  function sayWhatIsLost(): void {
    if (queue.dropped > droppedBefore) {
      log.warn("spans were lost: more came than could be handed over", { spans: queue.dropped - droppedBefore });
    }
    droppedBefore = queue.dropped;
  }

  async function flush(): Promise<void> {
    while (queue.size > 0) handOver();
  }

  function start(span: SpanStart): Span {
    const { parent } = span;
    if (parent) {
      return parent.sampled ? new RecordedSpan(span, parent.traceId, ids.span(), recorder) : new UnsampledSpan(parent);
    }
    if (ratio === 1 || random() < ratio) return new RecordedSpan(span, ids.trace(), ids.span(), recorder);
    return new UnsampledSpan({ traceId: ids.trace(), spanId: ids.span(), sampled: false, state: "" });
  }

  return {
    api: {
      start,
      flush,
      get counts() {
        return { recorded, dropped: queue.dropped };
      },
    },
    async stop() {
      await flush();
      timer?.cancel();
      sayWhatIsLost();
    },
  };
}

/**
 * The wall clock shows whole milliseconds, so what it is ahead of the monotonic one reads too small by up to one: the
 * largest reading is the best, until one is so small that the clock must have been set.
 */
function adjusted(offset: number, read: number): number {
  return read > offset || read < offset - 1 ? read : offset;
}
