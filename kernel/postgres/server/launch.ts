import type { Log } from "../../core/plugin.ts";
import type { Account } from "../../processes/account.ts";
import { type Exit, type Guarded, spawnGuarded } from "../../processes/guarded.ts";
import { type ArgumentsOf, postgresArguments } from "./arguments.ts";
import { plainEnv } from "./cluster.ts";
import { onLines } from "./lines.ts";
import { isAlarming, isReady, type StartProblem, startProblem } from "./words.ts";

export interface Launch extends ArgumentsOf {
  readonly program: string;
  readonly data: string;
  readonly account: Account | undefined;
  readonly log: Log;
  /** Gives the start up. */
  readonly signal?: AbortSignal | undefined;
}

/** A start that came to nothing. */
export interface Failed {
  readonly problem: StartProblem;
  /** The last lines of PostgreSQL. */
  readonly words: string;
}

/** Starts PostgreSQL once. Resolves when it serves or has ended; rejects with the reason of `signal`. */
export async function launch(given: Launch): Promise<Guarded | Failed> {
  const { program, data, account, log, signal } = given;
  signal?.throwIfAborted();
  const server = spawnGuarded(program, postgresArguments(given), {
    cwd: data,
    env: plainEnv,
    account,
    // Fast shutdown, then immediate (recovers at the next start): PostgreSQL, "Shutting Down the Server".
    end: [
      { signal: "INT", waitSeconds: 20 },
      { signal: "QUIT", waitSeconds: 5 },
    ],
  });
  const giveUp = () => void server.stop();
  signal?.addEventListener("abort", giveUp, { once: true });
  const started = await served(server, log);
  signal?.removeEventListener("abort", giveUp);
  if (signal?.aborted) await server.stop();
  signal?.throwIfAborted();
  return started;
}

function served(server: Guarded, log: Log): Promise<Guarded | Failed> {
  const words: string[] = [];
  return new Promise((resolve, reject) => {
    let starting = true;
    const hear = (line: string) => {
      if (isReady(line)) {
        starting = false;
        server.unref();
        resolve(server);
      }
      if (starting) words.push(line);
      tell(log, line);
    };
    for (const stream of server.output) onLines(stream, hear);
    const read = Promise.all(server.output.map((stream) => new Promise((end) => stream.on("close", end))));
    server.exited.then((exit) => read.then(() => resolve(failed(words, exit))), reject);
  });
}

function failed(words: readonly string[], exit: Exit): Failed {
  const last = words.length > 0 ? words.slice(-6).join("\n") : `PostgreSQL said nothing: ${JSON.stringify(exit)}`;
  return { problem: startProblem(words), words: last };
}

function tell(log: Log, line: string): void {
  if (line === "") return;
  if (isAlarming(line)) log.warn(`PostgreSQL: ${line}`);
  else log.debug(`PostgreSQL: ${line}`);
}
