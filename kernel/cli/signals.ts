import { exitCodes } from "./exit.ts";

/** A wish to stop: the first one is granted gracefully, the second at once. */
export interface StopSignal {
  /** Resolves with the name of the signal. */
  readonly stopped: Promise<NodeJS.Signals>;
  readonly requested: boolean;
  /** Listens no more. */
  dispose(): void;
}

/** Listens for SIGINT and SIGTERM. The second one ends the process without waiting for anything. */
export function stopSignal(forced: (signal: NodeJS.Signals) => void): StopSignal {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let requested = false;
  const heard = (signal: NodeJS.Signals) => {
    if (requested) {
      forced(signal);
      process.exit(exitCodes.interrupted);
    }
    requested = true;
    resolve(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, heard);
  return {
    stopped: promise,
    get requested() {
      return requested;
    },
    dispose: () => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, heard);
    },
  };
}
