import type { App } from "../config/app.ts";
import type { LiveApp } from "../config/live-app.ts";
import { type Watching, watchFiles } from "../config/watch.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";

/** Lets a running app go along with changes of its files. */
export function followFiles({ files }: App, { reload }: LiveApp, ports: Ports, log: Log): Watching {
  const failed = (error: unknown) => log.error("changes of the configuration are not followed", { error });
  return watchFiles({ files, ports, changed: reload, failed });
}
