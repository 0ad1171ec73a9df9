import type { App } from "../config/app.ts";
import { type Watching, watchFiles } from "../config/watch.ts";
import type { Problem } from "../core/config.ts";
import type { Kernel } from "../core/kernel.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { formatProblem } from "../core/problems.ts";
import { countProblems } from "./show-problems.ts";

export interface Following {
  readonly kernel: Kernel;
  readonly ports: Ports;
  readonly log: Log;
  /** The app as it runs. */
  readonly app: App;
  /** Reads the app again. */
  readonly load: () => Promise<App>;
  /** Resolves when the app has started; changes wait for it. */
  readonly started: Promise<unknown>;
}

/** Applies changes of an app's files to the running app. A change that is wrong, or cannot start, is told and changes nothing. */
export function followFiles({ kernel, ports, log, app, load, started }: Following): Watching {
  const refuse = (problems: readonly Problem[]) => {
    for (const problem of problems) log.error(formatProblem(problem), { code: problem.code });
    log.error(`${countProblems(problems)}, the running app is unchanged`);
  };
  const changed = async () => {
    await started;
    const began = ports.clock.now();
    const next = await load();
    if (next.problems.length > 0) return refuse(next.problems);
    for (const warning of next.warnings) log.warn(formatProblem(warning), { code: warning.code });
    const result = await kernel.apply(next.core, next.catalogue);
    if (!result.ok) return refuse(result.error.problems);
    const { generation } = result;
    const changes = {
      started: result.started,
      ended: result.ended,
      ms: Math.round(ports.clock.now() - began),
      generation,
    };
    log.info("the change of the configuration is applied", changes);
    const { problems } = await result.settled;
    for (const problem of problems) log.warn(formatProblem(problem), { code: problem.code });
  };
  const failed = (error: unknown) => log.error("changes of the configuration are not followed", { error });
  return watchFiles({ files: app.files, ports, changed, failed });
}
