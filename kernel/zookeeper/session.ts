import { StatusError } from "../call/status.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { breakConnection, type ZooKeeperClient, type ZooKeeperDriver, type ZooKeeperError } from "./driver.ts";

export interface SessionOptions {
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The time-out of the session, in milliseconds. */
  readonly leaseMs: number;
}

/** A session that is replaced by a new one whenever it is lost. */
export interface Sessions {
  readonly connected: boolean;
  /** After how much silence the server ends the session, as it has granted it, in milliseconds. */
  readonly timeoutMs: number;
  /** Grows with every session. */
  readonly number: number;
  /** Runs one request. Throws a StatusError: UNAVAILABLE without a connection or an answer in time. */
  ask<T = void>(request: (client: ZooKeeperClient, done: (error: Error | null, given?: T) => void) => void): Promise<T>;
  close(): Promise<void>;
}

/** How long a start and an end wait for the server, in milliseconds. */
const patienceMs = 2000;

/** How long a server may say nothing to a session that comes back, in milliseconds. One that is starting may never answer. */
const silentMs = 3000;

/** @param connected called whenever there is a connection again, on the same session or a new one */
export async function zooKeeperSessions(
  driver: ZooKeeperDriver,
  { servers, user, password = "", leaseMs }: SessionOptions,
  { clock, timers }: Pick<Ports, "clock" | "timers">,
  log: Log,
  connected: () => void,
): Promise<Sessions> {
  let client: ZooKeeperClient;
  let number = 0;
  let up = false;
  let awaySince = clock.now();
  let closed = false;
  const first = Promise.withResolvers<void>();

  function begin(): void {
    if (number > 0) client.close();
    const made = driver.createClient(servers.join(","), { sessionTimeout: leaseMs, spinDelay: 250 });
    const current = (then: () => void) => () => {
      if (made === client) then();
    };
    client = made;
    number++;
    up = false;
    awaySince = clock.now();
    made.on("connected", current(onConnected));
    made.on("disconnected", current(away));
    made.on("expired", current(begin));
    made.on("authenticationFailed", () => log.error("ZooKeeper refuses user and password"));
    if (user !== undefined) made.addAuthInfo("digest", Buffer.from(`${user}:${password}`));
    made.connect();
  }

  function onConnected(): void {
    up = true;
    first.resolve();
    connected();
  }

  function away(): void {
    if (up) awaySince = clock.now();
    up = false;
  }

  function ask<T>(request: (client: ZooKeeperClient, done: (error: Error | null, given?: T) => void) => void) {
    return new Promise<T>((resolve, reject) => {
      if (!up) return reject(new StatusError("UNAVAILABLE", "ZooKeeper is not connected"));
      const late = () => reject(new StatusError("UNAVAILABLE", `ZooKeeper does not answer within ${leaseMs} ms`));
      const timer = timers.after(leaseMs, late);
      request(client, (error, given) => {
        timer.cancel();
        if (error) reject(error);
        else resolve(given as T);
      });
    });
  }

  /** The package itself never gives a silent connection up, nor a session that a server without its data refuses. */
  async function check(): Promise<void> {
    const checked = number;
    const awayMs = clock.now() - awaySince;
    if (!up && !closed && awayMs > silentMs && awayMs <= leaseMs) return breakConnection(client); // it connects anew
    const dead = up
      ? await ask((client, done) => client.exists("/", done)).then(
          () => false,
          (error: unknown) => error instanceof StatusError || isUnknownSession(error),
        )
      : awayMs > leaseMs;
    if (dead && !closed && checked === number) begin();
  }

  /** The server answers about a session that somebody else has closed with a code that the package does not know. */
  function isUnknownSession(error: unknown): boolean {
    return (error as Partial<ZooKeeperError>).getCode?.() === driver.Exception.SYSTEM_ERROR;
  }

  const checks = timers.every(leaseMs / 3, () => void check());
  begin();
  await Promise.race([first.promise, timers.sleep(patienceMs)]);

  return {
    get connected() {
      return up;
    },
    get timeoutMs() {
      return client.getSessionTimeout() || leaseMs; // 0 before the first connection
    },
    get number() {
      return number;
    },
    ask,
    async close() {
      closed = true;
      checks.cancel();
      const ended = Promise.withResolvers<void>();
      const wasUp = up;
      up = false;
      client.on("disconnected", ended.resolve);
      client.close();
      if (wasUp) await Promise.race([ended.promise, timers.sleep(patienceMs)]);
    },
  };
}
