import type { Timers } from "../core/ports.ts";

export interface BatchesOptions {
  /** Items of one batch at most. */
  readonly maxBatch: number;
  /** Batches under way at the same time at most. */
  readonly maxInFlight: number;
  /**
   * Whether this error of a batch may be the fault of one of its items: then each is run alone and has its own outcome.
   * Otherwise the error is that of all.
   */
  readonly isFaultOfOne?: (error: unknown) => boolean;
  /** A batch that takes longer than `ms` does not count as under way any more, so it holds up nobody. Default: it does. */
  readonly patience?: { readonly timers: Pick<Timers, "after">; readonly ms: number };
}

interface Waiting<I, O> {
  readonly item: I;
  resolve(outcome: O): void;
  reject(error: unknown): void;
}

/**
 * Runs items in batches, without timers: what comes while a batch is under way waits and is the next one, so batches grow
 * with the load and an item alone waits for nobody. `run` gives one outcome per item, in their order.
 */
export function batches<I, O>(
  run: (items: readonly I[]) => Promise<readonly O[]>,
  { maxBatch, maxInFlight, isFaultOfOne = () => false, patience }: BatchesOptions,
): (item: I) => Promise<O> {
  let waiting: Waiting<I, O>[] = [];
  let inFlight = 0;
  let woken = false;

  /** What is asked for in the same turn goes together. */
  function wake(): void {
    if (woken) return;
    woken = true;
    queueMicrotask(() => {
      woken = false;
      send();
    });
  }

  function send(): void {
    while (inFlight < maxInFlight && waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      inFlight++;
      let counts = true;
      const over = () => {
        if (!counts) return;
        counts = false;
        inFlight--;
        send();
      };
      const timer = patience?.timers.after(patience.ms, over);
      void settle(batch).finally(() => {
        timer?.cancel();
        over();
      });
    }
  }

  async function settle(batch: readonly Waiting<I, O>[]): Promise<void> {
    try {
      const outcomes = await run(batch.map(({ item }) => item));
      if (outcomes.length !== batch.length) throw new Error(`${outcomes.length} outcomes for ${batch.length} items`);
      for (const [i, { resolve }] of batch.entries()) resolve(outcomes[i] as O);
    } catch (error) {
      if (batch.length > 1 && isFaultOfOne(error)) for (const one of batch) await settle([one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      wake();
    });
}

/** Lets pieces of work of the same key run one after another, in the order they were asked for, whatever becomes of them. */
export function oneByOne(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const before = last.get(key);
    const mine = before ? before.then(work, work) : work();
    last.set(key, mine);
    const leave = () => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  };
}
