import { MessageChannel } from "node:worker_threads";

/**
 * Keeps this process from exiting while work is under way that waits for nothing but the timers of `ports`, which by
 * themselves let it exit.
 */
export async function awake<T>(work: () => Promise<T>): Promise<T> {
  const { port1 } = new MessageChannel();
  port1.on("message", () => undefined);
  try {
    return await work();
  } finally {
    port1.close();
  }
}
