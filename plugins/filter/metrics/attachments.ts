import type { Telemetry } from "@mortise/kernel";

/** Who reads a source of numbers. */
export interface Attachments {
  /** Attaches the source to those of them it is not attached to, and detaches it from all others. */
  attachTo(receivers: Iterable<Telemetry>): void;
}

/** @param attach gives how to detach; nothing for a receiver that takes no such numbers */
export function attachments(attach: (receiver: Telemetry) => (() => void) | undefined): Attachments {
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
        const detach = attached.has(receiver) ? undefined : attach(receiver);
        if (detach) attached.set(receiver, detach);
      }
    },
  };
}
