import { execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { isSuperuser } from "../processes/account.ts";
import { freePort } from "../processes/free-port.ts";
import { type Guarded, spawnGuarded } from "../processes/guarded.ts";
import { MissingServer } from "./on-server.ts";

/** Where a server of ours runs. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** An empty directory of its own, removed when the server stops. */
  readonly dir: string;
}

/** How to come by a server that tests need. */
export interface ServerProgram {
  /** For people: `NATS server`. */
  readonly name: string;
  /** The environment variable with the address of one that runs already, for example `NATS_URL`. */
  readonly env: string;
  /** Its command, looked for on PATH. */
  readonly command: string;
  /** The Debian package to install when the command is missing. */
  readonly debianPackage?: string;
  args(place: Place): readonly string[];
  /** Writes what the server reads at its start into `place.dir`. */
  prepare?(place: Place): void;
  url(place: Place): string;
}

export interface RealServerOptions {
  /** Start one of our own, to kill and restart, even if the environment names one. */
  readonly ours?: boolean;
}

/** A real server to test against. */
export interface RealServer {
  readonly url: string;
  readonly port: number;
  /** Kills it as a crash would; its data stays. Throws for a server the environment names. */
  kill(): Promise<void>;
  /** Ends it the gentle way; its data stays. Throws for a server the environment names. */
  shutdown(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>;
  /** Ends it and removes its data. A server the environment names goes on. */
  stop(): Promise<void>;
}

/**
 * Gives a real server: the one the environment names, else one started from PATH on a free port, else one installed
 * first if this system is Debian and we may. Throws a {@link MissingServer} when there is none to be had.
 */
export async function realServer(
  program: ServerProgram,
  { ours = false }: RealServerOptions = {},
): Promise<RealServer> {
  const url = process.env[program.env];
  if (url && !ours) return foreign(program, url);
  const command = onPath(program.command) ?? (await install(program));
  for (let left = attempts; ; left--) {
    const place = {
      host: "127.0.0.1",
      port: await freePort(),
      dir: mkdtempSync(join(tmpdir(), `${program.command}-`)),
    };
    program.prepare?.(place);
    try {
      return await new OwnServer(program, command, place).begin();
    } catch (error) {
      rmSync(place.dir, { recursive: true, force: true });
      if (left <= 1 || !/already in use/i.test(String(error))) throw error;
    }
  }
}

/** Between asking for a port and using it somebody else may have taken it. */
const attempts = 5;

class OwnServer implements RealServer {
  readonly url: string;
  readonly port: number;
  readonly #program: ServerProgram;
  readonly #command: string;
  readonly #place: Place;
  #running: Guarded | undefined;

  constructor(program: ServerProgram, command: string, place: Place) {
    this.#program = program;
    this.#command = command;
    this.#place = place;
    this.url = program.url(place);
    this.port = place.port;
  }

  async begin(): Promise<this> {
    await this.restart();
    return this;
  }

  async kill(): Promise<void> {
    this.#running?.ref();
    this.#running?.signal("KILL");
    await this.#running?.exited;
  }

  async shutdown(): Promise<void> {
    await this.#running?.stop();
  }

  async restart(): Promise<void> {
    await this.#running?.stop();
    this.#running = spawnGuarded(this.#command, this.#program.args(this.#place), { cwd: this.#place.dir });
    await listening(this.#program.name, this.#running, this.#place);
    this.#running.unref();
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    rmSync(this.#place.dir, { recursive: true, force: true });
  }
}

function foreign({ name, env }: ServerProgram, url: string): RealServer {
  const refuse = async () => {
    throw new Error(`The ${name} that ${env} names is not ours to stop; ask for one with { ours: true }`);
  };
  return {
    url,
    port: Number(new URL(url).port),
    kill: refuse,
    shutdown: refuse,
    restart: refuse,
    stop: async () => undefined,
  };
}

/** Resolves once somebody accepts connections at the place; rejects with what the server said if it ends before. */
async function listening(name: string, server: Guarded, { host, port }: Place): Promise<void> {
  let said = "";
  for (const stream of server.output) stream.on("data", (chunk) => (said = `${said}${chunk}`.slice(-4000)));
  let ended = false;
  const end = server.exited.then(() => (ended = true));
  for (const until = performance.now() + 120_000; performance.now() < until && !ended; ) {
    if (await accepts(host, port)) return;
    await Promise.race([sleep(10), end]);
  }
  await server.stop();
  throw new Error(`The ${name} ${ended ? "ended at once" : "did not listen within 120 s"}. It said:\n${said}`);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

function onPath(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function install({ name, env, command, debianPackage }: ServerProgram): Promise<string> {
  const apt = onPath("apt-get");
  if (debianPackage && apt && isSuperuser()) await aptInstall(apt, debianPackage);
  const found = onPath(command);
  if (found) return found;
  const hint = debianPackage ? ` (Debian package ${debianPackage})` : "";
  throw new MissingServer(`There is no ${name}: set ${env}, or install the command ${command}${hint}.`);
}

async function aptInstall(apt: string, debianPackage: string): Promise<void> {
  const run = promisify(execFile);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=120", "-q", "-y"];
  const add = () => run(apt, [...wait, "install", "--no-install-recommends", debianPackage], { env, timeout: 240_000 });
  await add().catch(() =>
    run(apt, [...wait, "update"], { env, timeout: 240_000 })
      .then(add)
      .catch(() => undefined),
  ); // what is still missing then is reported by the caller
}
