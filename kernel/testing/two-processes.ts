import type { Running } from "../core/plugin.ts";

/** What is checked of two processes. The second may be stopped before the end. */
export type BetweenTwo<T> = (one: T, two: T, stopTwo: () => Promise<void>) => Promise<void>;

/** Checks something of two processes, which have started the plugin each for itself. */
export async function betweenTwo<T>(open: () => Promise<Running<T>>, check: BetweenTwo<T>): Promise<void> {
  const one = await open();
  const two = await open();
  let stopped = false;
  const stopTwo = async () => {
    if (!stopped) await two.stop?.();
    stopped = true;
  };
  try {
    await check(one.api, two.api, stopTwo);
  } finally {
    await stopTwo();
    await one.stop?.();
  }
}
