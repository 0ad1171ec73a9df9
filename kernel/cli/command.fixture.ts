import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

const main = join(import.meta.dirname, "main.ts");
const packages = join(import.meta.dirname, "../../node_modules");

/** A folder with an app, in which the real command is run. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
  put(file: string, content: string): Promise<void>;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Runs `start`. Its lines are waited for as entries of the log; a line that is none is an entry without a level. */
  starting(args: readonly string[], options?: RunOptions): Starting;
  /** Runs `start` until the app is up. Rejects with all that was written if it ends before that. */
  start(args: readonly string[], options?: RunOptions): Promise<Started>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface LogEntry extends Readonly<Record<string, unknown>> {
  readonly level: string;
  readonly message: string;
}

/** An app that starts or runs; its log can be waited for. */
export interface Starting {
  readonly child: ChildProcess;
  /** The first line of the log that fits; waits for it. Rejects if the app ends before it. */
  logged(fits: (entry: LogEntry) => boolean): Promise<LogEntry>;
  readonly log: readonly LogEntry[];
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ran>;
}

export interface Started extends Starting {
  /** What the log said when the app was up. */
  readonly up: LogEntry;
}

/** A service with all four kinds of calls, in the folder where services are by convention. */
export const helloService = `
import { defineService, StatusError } from "@mortise/kernel";
import { int32, message, rpc, service, stream, string } from "@mortise/kernel/contract";
export const Name = message("hello.v1.Name", { name: string(1) });
export const Greeting = message("hello.v1.Greeting", { text: string(1), number: int32(2) });
export const Hello = service("hello.v1.Hello", {
  greet: rpc(Name, Greeting, { readOnly: true }),
  count: rpc(Name, stream(Greeting)),
  gather: rpc(stream(Name), Greeting),
  chat: rpc(stream(Name), stream(Greeting)),
});
export const hello = defineService(Hello, {
  description: "Greets",
  setup: () => ({
    handlers: {
      greet: ({ name }, call) => {
        if (name === "nobody") {
          throw new StatusError("NOT_FOUND", "nobody is here", { reason: "NOBODY", details: { name } });
        }
        return { text: "Hello " + (name || call.incoming.get("x-name")), number: 1 };
      },
      async *count({ name }) {
        for (let number = 1; number <= 3; number++) yield { text: name, number };
      },
      async gather(names) {
        let text = "";
        let number = 0;
        for await (const { name } of names) [text, number] = [text + name, number + 1];
        return { text, number };
      },
      async *chat(names) {
        let number = 0;
        for await (const { name } of names) yield { text: name, number: ++number };
      },
    },
  }),
});
`;

export async function testFolder(files: Readonly<Record<string, string>> = {}): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "mortise-cli-"));
  await symlink(packages, join(path, "node_modules"));
  const put = async (file: string, content: string) => {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, `${file}.new`), content);
    await rename(join(path, `${file}.new`), join(path, file)); // never seen half written
  };
  for (const [file, content] of Object.entries(files)) await put(file, content);
  const children = new Set<ChildProcess>();
  const begin = (args: readonly string[], { env = {}, input = "" }: RunOptions) => {
    const child = spawn(process.execPath, ["--conditions=source", main, ...args], {
      cwd: path,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_COMPILE_CACHE: join(packages, ".cache/node"),
        ...env,
      },
    });
    children.add(child);
    child.stdin.end(input);
    return child;
  };
  const starting = (args: readonly string[], options: RunOptions = {}) =>
    startingApp(begin(["start", "--log-format", "json", ...args], options));
  return {
    path,
    put,
    run: (args, options = {}) => ended(begin(args, options)),
    starting,
    start: async (args, options) => {
      const app = starting(args, options);
      return { ...app, up: await app.logged(({ message }) => message.endsWith(" is up")) };
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill("SIGKILL"); // after a test that failed, some still run
      await rm(path, { recursive: true });
    },
  };
}

async function ended(child: ReturnType<typeof spawn>): Promise<Ran> {
  const texts = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ""));
  const [[code], out = "", err = ""] = await Promise.all([once(child, "close"), ...texts]);
  return { code: code as number | null, out, err };
}

function startingApp(child: ReturnType<typeof spawn>): Starting {
  const log: LogEntry[] = [];
  const waiting = new Set<() => void>();
  const over = ended(child);
  let ran: Ran | undefined;
  const wake = () => {
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) => {
      log.push(entryOf(line));
      wake();
    });
  }
  void over.then((result) => {
    ran = result;
    wake();
  });
  const logged = (fits: (entry: LogEntry) => boolean) =>
    new Promise<LogEntry>((resolve, reject) => {
      const look = () => {
        const found = log.find(fits);
        if (found) resolve(found);
        else if (ran) reject(new Error(`the app ended with ${ran.code}:\n${ran.out}${ran.err}`));
        else return;
        waiting.delete(look);
      };
      waiting.add(look);
      look();
    });
  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    child.kill(signal);
    return over;
  };
  return { child, log, logged, stop };
}

function entryOf(line: string): LogEntry {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return { level: "", message: line };
  }
}
