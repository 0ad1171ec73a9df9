import { after, describe, it } from "node:test";

/** Tests need a server and there is none. */
export class MissingServer extends Error {
  override readonly name = "MissingServer";
}

/** Something to stop after the tests. */
export interface Stoppable {
  stop(): Promise<void>;
}

/**
 * Registers tests that share one real server, which is stopped after them. Without a server they are reported as not
 * run, loudly; where `CI` is `true` that is a failure. Use it with `await` at the top of a test file.
 */
export async function onServer<S extends Stoppable>(
  title: string,
  start: () => Promise<S>,
  tests: (server: S) => void,
): Promise<void> {
  const server = await start().catch((error: unknown) => {
    if (error instanceof MissingServer && process.env.CI !== "true") return error;
    throw error;
  });
  if (server instanceof MissingServer) return notRun(title, server.message);
  describe(title, () => {
    after(() => server.stop());
    tests(server);
  });
}

function notRun(title: string, reason: string): void {
  const line = "!".repeat(100);
  console.error(`${line}\nNOT TESTED: ${title}. ${reason}\n${line}`);
  void it.skip(`${title}: NOT TESTED. ${reason}`);
}
