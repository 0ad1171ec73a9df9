import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";

export interface WorkerOptions {
  readonly name: string;
  readonly everyMs: number;
  readonly ports: Ports;
  readonly log: Log;
  /** Gives true when there is more to do at once. What it throws is logged, and the next run goes on. */
  readonly work: () => Promise<boolean>;
}

/** Work that is done again and again, never twice at the same time. */
export interface Worker {
  /** Runs it now and from then on every `everyMs`. */
  start(): void;
  /** Runs it now, or once more if it is running. Does nothing before the start and after the stop. */
  wake(): void;
  /** Starts nothing new and waits for what is running. */
  stop(): Promise<void>;
}

export function makeWorker({ name, everyMs, ports, log, work }: WorkerOptions): Worker {
  let state: "new" | "working" | "stopped" = "new";
  let running: Promise<void> | undefined;
  let again = false;
  let timer: { cancel(): void } | undefined;

  async function run(): Promise<void> {
    while (again && state === "working") {
      again = false;
      try {
        if (await work()) again = true;
      } catch (error) {
        log.warn(`${name} failed and will be tried again in ${everyMs} ms`, { error });
      }
    }
    running = undefined;
  }

  function wake(): void {
    if (state !== "working") return;
    again = true;
    running ??= run();
  }

  return {
    start: () => {
      if (state !== "new") return;
      state = "working";
      timer = ports.timers.every(everyMs, wake);
      wake();
    },
    wake,
    stop: async () => {
      state = "stopped";
      timer?.cancel();
      await running;
    },
  };
}
