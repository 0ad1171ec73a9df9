import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually } from "@mortise/kernel/testing";

/** A directory that PostgreSQL's account may enter. */
export function newDataDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "embedded-"));
  chmodSync(dir, 0o755);
  return realpathSync(dir);
}

/** An app that runs `app.fixture.ts`. */
export interface App {
  readonly process: ChildProcess;
  /** The numbers it was told are safe. */
  readonly safe: readonly number[];
  /** Where its database is, once it serves. */
  readonly ready: Promise<{ readonly host: string; readonly port: number }>;
  /** What it said when it could not start. */
  readonly failed: Promise<{ readonly name: string; readonly message: string }>;
  /** Ends it like a crash and resolves when it is gone. */
  kill(): Promise<void>;
}

export interface AppOptions {
  readonly options?: object;
  readonly uid?: number;
}

export function startApp(dataDir: string, { options = {}, uid }: AppOptions = {}): App {
  const runtime = "Deno" in globalThis ? ["run", "-A", "--no-check", "--conditions=source"] : ["--conditions=source"];
  const args = [...runtime, join(import.meta.dirname, "app.fixture.ts"), dataDir, JSON.stringify(options)];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const safe: number[] = [];
  const gone = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const lines = createInterface({ input: child.stdout });
  const told = <T>(wanted: string) =>
    new Promise<T>((resolve) => {
      lines.on("line", (line) => {
        const { what, value } = JSON.parse(line) as { readonly what: string; readonly value: T };
        if (what === wanted) resolve(value);
      });
    });
  lines.on("line", (line) => {
    const { what, value } = JSON.parse(line) as { readonly what: string; readonly value: number };
    if (what === "safe") safe.push(value);
  });
  return {
    process: child,
    safe,
    ready: told("ready"),
    failed: told("failed"),
    kill: () => {
      child.kill("SIGKILL");
      return gone;
    },
  };
}

/** The processes that work in a directory or below, as PostgreSQL's and its guards do in its data. */
export function processesIn(dir: string): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const inside = readlinkSync(`/proc/${pid}/cwd`).startsWith(dir);
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return inside && command !== "" ? [{ pid: Number(pid), command }] : [];
      } catch {
        return [];
      }
    });
}

export async function nothingRunsIn(dir: string): Promise<void> {
  await eventually(() => processesIn(dir).length === 0, 60_000).catch((cause: unknown) => {
    throw new Error(`still running: ${JSON.stringify(processesIn(dir))}`, { cause });
  });
}

/** The first process id in PostgreSQL's lock file. */
export function postmasterOf(dir: string): number {
  return Number.parseInt(readFileSync(join(dir, "data/postmaster.pid"), "utf8"), 10);
}

/** The shells that watch over PostgreSQL. */
export function guardsOf(dir: string): readonly number[] {
  return processesIn(dir)
    .filter(({ command }) => command.startsWith("/bin/sh"))
    .map(({ pid }) => pid);
}
