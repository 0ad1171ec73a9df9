import { asStatusError } from "../../call/outcome.ts";
import type { Log } from "../../core/plugin.ts";
import type { BatchMetrics } from "../../spi/metrics.ts";
import { isOngoing, sqlState } from "./fence.ts";

/** Sees what becomes of branches that are taken through the database together. */
export interface BatchWatch {
  together(operation: string): void;
  /** A batch failed, and each of it is done by itself. */
  apart(operation: string, action: string, size: number, error: unknown): void;
  read(): readonly BatchMetrics[];
}

/**
 * Counts batches, and says of each kind of failure once why it came about: what follows is right, but as slow as if there
 * were no batches. A lock somebody else holds is nothing to be told of.
 */
export function watchBatches(participant: string, log?: Pick<Log, "warn">): BatchWatch {
  const counted = new Map<string, { participant: string; operation: string; batches: number; failed: number }>();
  const told = new Set<string>();
  const of = (operation: string) => {
    const known = counted.get(operation) ?? { participant, operation, batches: 0, failed: 0 };
    counted.set(operation, known);
    known.batches++;
    return known;
  };
  return {
    together: (operation) => void of(operation),
    apart(operation, action, size, error) {
      of(operation).failed++;
      if (isOngoing(error)) return;
      const { code, message } = asStatusError(error);
      const key = `${operation} ${action} ${sqlState(error) || code}`;
      if (told.has(key)) return;
      told.add(key);
      const reason = error instanceof Error ? error.message : message;
      log?.warn("branches could not be done together and are done one by one; of this kind it is said once", {
        ...{ participant, operation, action, size, reason },
        ...{ state: sqlState(error), error },
      });
    },
    read: () => [...counted.values()].map((one) => ({ ...one })),
  };
}
