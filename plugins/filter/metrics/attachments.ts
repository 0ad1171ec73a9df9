import type { MetricsSource, Telemetry } from "@mortise/kernel";

/** Who reads a source of metrics. */
export interface Attachments {
  /** Attaches the source to those of them it is not attached to, and detaches it from all others. */
  attachTo(receivers: Iterable<Telemetry>): void;
}

export function attachments(source: MetricsSource): Attachments {
  const attached = new Map<Telemetry, () => void>();
  return {
    attachTo(receivers) {
      const wanted = new Set(receivers);
      for (const [receiver, detach] of attached) {
        if (wanted.has(receiver)) continue;
        attached.delete(receiver);
        detach();
      }
      for (const receiver of wanted) {
        if (receiver.metrics && !attached.has(receiver)) attached.set(receiver, receiver.metrics(source));
      }
    },
  };
}
