import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Account } from "./account.ts";

/** A signal to end a program with, and how long to wait for it in seconds before the next one. */
export interface EndStep {
  readonly signal: "INT" | "TERM" | "QUIT" | "KILL";
  readonly waitSeconds: number;
}

export interface GuardOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the program as somebody else; only the superuser may. */
  readonly account?: Account | undefined;
  /** How to end the program, gentlest first. A KILL always comes last. Default: TERM, 5 s. */
  readonly end?: readonly EndStep[];
}

/** How a program ended: its exit code, or the number of the signal that killed it. */
export type Exit = { readonly code: number } | { readonly signal: number };

/** A program that does not outlive this process. */
export interface Guarded {
  /** What the program writes to its standard output and standard error. */
  readonly output: readonly Readable[];
  /** Resolves when the program has ended; rejects when it could not be started. */
  readonly exited: Promise<Exit>;
  signal(signal: EndStep["signal"] | "HUP" | "STOP" | "CONT"): void;
  /** Ends the program and resolves when it is gone. Harmless when repeated. */
  stop(): Promise<Exit>;
  /** Lets this process exit although the program runs; the program is ended then. */
  unref(): void;
  /** Takes `unref` back. */
  ref(): void;
}

/**
 * Waits in one process for the program to end, and in another for signals to pass on and for this process to end: the
 * pipe on descriptor 3 closes whatever kills this process, even SIGKILL. Nothing else holds its writing end. Signals to
 * end the program are repeated: one that comes before the program is ready for it is lost.
 */
const script = `
exec 3<&0
steps=$1; shift
"$@" </dev/null 3<&- &
child=$!
(
  trap '' INT TERM HUP QUIT
  while read -r asked; do kill -s "$asked" "$child"; done
  for step in $steps KILL:1; do
    left=$((\${step##*:} * 20))
    while [ "$left" -gt 0 ]; do
      [ $((left % 5)) -gt 0 ] || kill -s "\${step%%:*}" "$child"
      kill -0 "$child" || exit
      sleep 0.05
      left=$((left - 1))
    done
  done
) <&3 3<&- >/dev/null 2>&1 &
watcher=$!
exec 3<&- </dev/null
trap '' INT TERM HUP QUIT
wait "$child"; code=$?
kill -s KILL "$watcher" 2>/dev/null
exit "$code"
`;

/**
 * Starts a program together with a small shell that ends it when this process is gone, however it went. The program
 * leads a session of its own, so Ctrl-C in a terminal reaches only us and we decide when it stops.
 */
export function spawnGuarded(program: string, args: readonly string[], options: GuardOptions): Guarded {
  const { cwd, env = {}, account, end = [{ signal: "TERM", waitSeconds: 5 }] } = options;
  const steps = end.map(({ signal, waitSeconds }) => `${signal}:${waitSeconds}`).join(" ");
  const child = spawn("/bin/sh", ["-c", script, "guard", steps, program, ...args], {
    cwd,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  child.stdin.on("error", () => undefined); // the guard was gone before us
  const exited = exitOf(child);
  exited.then(
    () => child.stdin.end(), // if the guard alone was killed, its watcher still ends the program
    () => undefined,
  );
  return {
    output: [child.stdout, child.stderr],
    exited,
    signal: (signal) => void child.stdin.write(`${signal}\n`),
    stop: () => {
      child.ref();
      child.stdin.end();
      return exited;
    },
    unref: () => unref(child),
    ref: () => child.ref(),
  };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === null) resolve({ signal: signal === "SIGKILL" ? 9 : 15 });
      else resolve(code > 128 ? { signal: code - 128 } : { code });
    });
  });
}

function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) {
    if (stream && "unref" in stream && typeof stream.unref === "function") stream.unref();
  }
}
