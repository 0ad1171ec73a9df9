import type { Ports } from "../../core/ports.ts";
import { freePort } from "../../processes/free-port.ts";
import type { Guarded } from "../../processes/guarded.ts";
import { isRunning } from "../../processes/identity.ts";
import { StoreError } from "../store-error.ts";
import { type Failed, type Launch, launch } from "./launch.ts";
import { type Postmaster, runningPostmaster, stopPostmaster } from "./postmaster.ts";
import { mayPass } from "./words.ts";

/** A server that serves, and where. */
export interface Started {
  readonly server: Guarded;
  readonly port: number;
}

/** A port may be taken between asking and using, and a server that ended may still hold what the next one needs. */
const attempts = 20;

/**
 * Starts PostgreSQL, after stopping a server an earlier app left behind. Port 0 means any. Throws STORE_DATA_IN_USE,
 * STORE_PORT_TAKEN or STORE_START_FAILED.
 */
export async function startServer(given: Launch, ports: Ports): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    await takeOver(given, ports);
    const port = given.port || (await freePort());
    const server = await launch({ ...given, port });
    if (!("problem" in server)) return { server, port };
    const again = server.problem === "port-taken" ? given.port === 0 : mayPass(server.problem);
    if (!again || attempt === attempts) throw failure(given, server);
    await ports.timers.sleep(20 * attempt, given.signal);
  }
}

/** The server found on the data belongs to nobody that runs, or to the very store that starts it again. */
async function takeOver({ data, app, log }: Launch, ports: Ports): Promise<void> {
  const found = runningPostmaster(data);
  if (!found) return;
  if (found.app !== app && inUse(found)) throw new StoreError("STORE_DATA_IN_USE", `${data} is in use ${by(found)}.`);
  log.info("stopping the PostgreSQL server that an earlier start left behind", { pid: found.pid });
  await stopPostmaster(found, ports);
}

function inUse({ app }: Postmaster): boolean {
  return app === undefined || isRunning(processOf(app));
}

function by({ app, pid }: Postmaster): string {
  if (app === undefined) return `by PostgreSQL with process id ${pid}, which no app of ours started`;
  const owner = Number.parseInt(app, 10);
  return owner === process.pid ? "by another store of this process" : `by the app with process id ${owner}`;
}

/** Names one store of one process: `<process identity>#<id>`. */
export function appName(process: string, id: string): string {
  return `${process}#${id}`;
}

function processOf(app: string): string {
  return app.split("#")[0] ?? "";
}

function failure({ port, data }: Launch, { problem, words }: Failed): StoreError {
  if (problem === "port-taken") return new StoreError("STORE_PORT_TAKEN", `Port ${port} is taken by another program.`);
  return new StoreError("STORE_START_FAILED", `PostgreSQL could not be started on ${data}. It said:\n${words}\n`);
}
