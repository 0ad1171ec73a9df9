import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Ask, ProcessStart, Said, Told } from "./messages.ts";

/** A process of the world. */
export interface Process {
  readonly pid: number;
  /** Resolves when it is gone, with the signal that ended it. */
  readonly gone: Promise<string>;
  /** Rejects when it dies before it answers. */
  ask<T = undefined>(ask: Ask): Promise<T>;
  /** Resolves when somebody is held at the point. */
  held(point: string): Promise<void>;
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
}

export interface StartOptions {
  /** For example `T11:2=kill`. */
  readonly faults?: string;
  /** Modules loaded before all others. */
  readonly imports?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Hears where it can be called, before any other process does. */
  readonly listens?: (address: string) => void;
}

const script = join(import.meta.dirname, "process.fixture.ts");
const cache = join(import.meta.dirname, "../../../node_modules/.cache/node");

/** Starts a process and waits until it works. Rejects with what it said if it does not. */
export async function startProcess(start: ProcessStart, options: StartOptions = {}): Promise<Process> {
  const { faults = "", imports = [], env = {}, listens = () => undefined } = options;
  const child = fork(script, [JSON.stringify(start)], {
    execArgv: ["--conditions=source", ...imports.map((module) => `--import=${module}`)],
    env: {
      NODE_COMPILE_CACHE: cache,
      ...process.env,
      NODE_OPTIONS: "",
      NODE_TEST_CONTEXT: "",
      MORTISE_FAULTS: faults,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += String(chunk)));
  const gone = once(child, "exit").then(([code, signal]) => String(signal ?? code));
  const ready = Promise.withResolvers<void>();
  void gone.then((how) => ready.reject(new Error(`a process ended at its start with ${how}:\n${output}`)));
  const made = talking(child, gone, { ready: ready.resolve, listens });
  await ready.promise;
  return made;
}

interface Hears {
  readonly ready: () => void;
  readonly listens: (address: string) => void;
}

function talking(child: ChildProcess, gone: Promise<string>, { ready, listens }: Hears): Process {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const held = new Map<string, PromiseWithResolvers<void>>();
  let count = 0;
  const holdAt = (point: string) => {
    const found = held.get(point) ?? Promise.withResolvers<void>();
    held.set(point, found);
    return found;
  };
  child.on("message", (said: Said) => {
    if ("ready" in said) return ready();
    if ("listens" in said) return listens(said.listens);
    if ("held" in said) return holdAt(said.held).resolve();
    const one = waiting.get(said.id);
    waiting.delete(said.id);
    if (said.error === undefined) one?.resolve(said.told);
    else one?.reject(new Error(said.error));
  });
  void gone.then(() => {
    for (const one of waiting.values()) one.reject(new Error("the process died"));
    waiting.clear();
  });
  return {
    pid: child.pid ?? 0,
    gone,
    async ask<T>(ask: Ask) {
      if (ask.what === "arm") held.clear();
      const id = count++;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      child.send({ id, ask }, (error) => error && answer.reject(error));
      return (await answer.promise) as T;
    },
    held: async (point) => {
      const died = gone.then(() => Promise.reject(new Error(`the process died before anybody was held at ${point}`)));
      await Promise.race([holdAt(point).promise, died]);
    },
    signal: (name) => void child.kill(name),
  };
}

export type { Told };
