import { z } from "zod";
import { StatusError } from "../call/status.ts";
import { reasonOf } from "../core/errors.ts";
import type { Log, Running } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { ConfigReport, ConfigSource, ConfigVersion } from "./config-source.ts";
import { keptVersions, storedVersion } from "./kept-versions.ts";

/** A server that keeps texts under an app and a number, and reports under an app and a name. */
export interface VersionServer {
  /** The numbers that are kept, in any order. */
  numbers(app: string): Promise<readonly number[]>;
  read(app: string, version: number): Promise<string | undefined>;
  /** False if there is such a number already. Of two at once, one is true. */
  create(app: string, version: number, text: string): Promise<boolean>;
  remove(app: string, version: number): Promise<void>;
  /** Calls `changed` whenever there may be another number, or the connection is back. Returns how to end that. */
  listen(app: string, changed: () => void): () => void;
  putReport(app: string, process: string, text: string): Promise<void>;
  dropReport(app: string, process: string): Promise<void>;
  reports(app: string): Promise<readonly string[]>;
  close(): Promise<void> | void;
}

/** Options all sources have alike. */
export const versionedFields = {
  keepVersions: z.int().min(2).default(100).describe("How many versions of an app's rules are kept"),
  lastGoodDir: z
    .string()
    .min(1)
    .default(".mortise/config")
    .describe("Folder that remembers good versions for a start while the source is away"),
};

export interface VersionedOptions {
  readonly keepVersions: number;
  readonly lastGoodDir: string;
  /** A look without being told of a change, in milliseconds. */
  readonly lookMs: number;
}

const storedReport = z.object({
  process: z.string(),
  runs: z.number(),
  refused: z.object({ version: z.number(), reason: z.string() }).optional(),
  at: z.number(),
});

const maxBytes = 512 * 1024;
/** A report is told again so often, in milliseconds, and believed for three times as long. */
const reportMs = 10_000;

interface Watched {
  readonly app: string;
  look(): void;
  end(): void;
}

/** A source over a server that keeps numbered texts: comparing and setting is the server's refusal of a number that is taken. */
export function versionedConfig(
  server: VersionServer,
  options: VersionedOptions,
  { clock, timers, ids }: Ports,
  log: Log,
): Running<ConfigSource> {
  const good = keptVersions(options.lastGoodDir, ids);
  const watches = new Set<Watched>();
  const told = new Map<string, ConfigReport>();
  const looks = timers.every(options.lookMs, () => {
    for (const one of watches) one.look();
  });
  const renewal = timers.every(reportMs, () => {
    for (const [app, report] of told) tell(app, report);
  });

  async function newest(app: string): Promise<ConfigVersion | undefined> {
    const numbers = await server.numbers(app);
    return numbers.length === 0 ? undefined : read(app, Math.max(...numbers));
  }

  async function read(app: string, version: number): Promise<ConfigVersion | undefined> {
    const text = await server.read(app, version);
    return text === undefined ? undefined : storedVersion.parse(JSON.parse(text));
  }

  function watch(app: string, listener: (newest: ConfigVersion | undefined) => void) {
    checkApp(app);
    let known: number | undefined;
    let looking: Promise<void> | undefined;
    let again = false;
    let closed = false;

    async function lookOnce(): Promise<void> {
      const found = await newest(app);
      const version = found?.version ?? 0;
      if (closed || (known !== undefined && version <= known)) return;
      known = version;
      listener(found);
    }
    /** A change during a look asks for another one. */
    function look(): void {
      again = looking !== undefined;
      looking ??= lookOnce()
        .catch((error: unknown) => log.debug("the config source cannot be asked", { error }))
        .finally(() => {
          looking = undefined;
          if (again && !closed) look();
        });
    }
    const unlisten = server.listen(app, look);
    const one = { app, look, end: unlisten };
    watches.add(one);
    look();
    return {
      close() {
        closed = true;
        if (watches.delete(one)) unlisten();
      },
    };
  }

  async function publish(app: string, { text, by, note, after }: Parameters<ConfigSource["publish"]>[1]) {
    checkApp(app);
    if (Buffer.byteLength(text) > maxBytes)
      throw new StatusError("INVALID_ARGUMENT", `the rules of ${app} have more than ${maxBytes} bytes`);
    const numbers = await server.numbers(app);
    const latest = Math.max(0, ...numbers);
    const made = { version: after + 1, text, at: clock.wall(), by, note };
    if (latest !== after || !(await server.create(app, made.version, JSON.stringify(made)))) {
      const now = Math.max(latest, after + 1);
      throw new StatusError("ABORTED", `the rules of ${app} have changed: version ${now} came after ${after}`, {
        reason: "CONFIG_CONFLICT",
        details: { app, newest: `${now}`, after: `${after}` },
      });
    }
    const old = numbers.filter((number) => number <= made.version - options.keepVersions);
    await Promise.allSettled(old.map((number) => server.remove(app, number)));
    return made;
  }

  function tell(app: string, report: ConfigReport): void {
    const text = JSON.stringify({ ...report, at: clock.wall() });
    server
      .putReport(app, report.process, text)
      .catch((error: unknown) => log.debug("the config source does not take a report", { error }));
  }

  return {
    api: {
      watch,
      read: (app, version) => asked(app, () => (version === undefined ? newest(app) : read(app, version))),
      history: (app) =>
        asked(app, async () => {
          const numbers = [...(await server.numbers(app))].sort((a, b) => b - a);
          const found = await Promise.all(numbers.map((number) => read(app, number)));
          return found.filter((one) => one !== undefined);
        }),
      publish: (app, draft) => asked(app, () => publish(app, draft)),
      keep: good.keep,
      kept: good.all,
      report(app, report) {
        told.set(app, report);
        tell(app, report);
      },
      reports: (app) =>
        asked(app, async () => {
          const since = clock.wall() - 3 * reportMs;
          const all = (await server.reports(app)).map((text) => storedReport.parse(JSON.parse(text)));
          const current = all.filter(({ at }) => at >= since).sort((a, b) => (a.process < b.process ? -1 : 1));
          return current.map(({ process, runs, refused }) => ({ process, runs, ...(refused && { refused }) }));
        }),
    },
    async stop() {
      looks.cancel();
      renewal.cancel();
      for (const one of watches) one.end();
      watches.clear();
      await Promise.allSettled(Array.from(told, ([app, { process }]) => server.dropReport(app, process)));
      await server.close();
    },
  };
}

async function asked<T>(app: string, work: () => Promise<T>): Promise<T> {
  checkApp(app);
  try {
    return await work();
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw new StatusError("UNAVAILABLE", `the central rules of ${app}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function checkApp(app: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(app))
    throw new StatusError(
      "INVALID_ARGUMENT",
      `"${app}" is no app's name; write it in kebab-case, for example web-shop`,
    );
}
