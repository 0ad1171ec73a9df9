import type { Socket } from "node:net";
import {
  bareContexts,
  type Exposure,
  InFlight,
  type Listener,
  type Log,
  type Ports,
  StatusError,
} from "@mortise/kernel";
import { advertisedAddress } from "@mortise/kernel/spi/listening";
import { type SecureTcp, tcpServer } from "@mortise/kernel/spi/secure-tcp";
import { bind } from "./bind.ts";
import type { DubboOptions } from "./options.ts";
import { offered } from "./served.ts";
import { ServerSession, type SessionHouse } from "./server-session.ts";
import type { Vigil } from "./vigil.ts";

/** What a listener needs of its plugin. */
export interface ListenerSetup {
  readonly options: DubboOptions;
  readonly secure: SecureTcp | undefined;
  readonly ports: Ports;
  readonly log: Log;
  readonly vigil: Vigil;
}

/** How long the last bytes of answered calls may take to be written once all calls are over. */
const lingerMs = 1000;
/** How long Dubbo's own peers must have asked nothing, after they were told to, before their connections are closed. */
const quietMs = 200;

/** Opens the port and serves. Rejects with an Error that says which option to change. */
export async function dubboListener(
  exposure: Exposure,
  { options, secure, ports, log, vigil }: ListenerSetup,
): Promise<Listener> {
  const inFlight = new InFlight();
  const sessions = new Set<ServerSession>();
  let allEnded: () => void = () => undefined;
  let current = offered(exposure, options.services);
  let closing: Promise<void> | undefined;
  let refusing = false;

  const house: SessionHouse = {
    host: { ...options, ports, log, inFlight },
    ports,
    bare: bareContexts(ports),
    offered: () => current,
    closing: () => (refusing ? "refusing" : closing && "announced"),
    ended(session) {
      vigil.remove(session);
      sessions.delete(session);
      if (sessions.size === 0) allEnded();
    },
  };

  function accept(socket: Socket): void {
    if (closing) return void socket.destroy();
    const session = new ServerSession(socket, house);
    sessions.add(session);
    vigil.add(session);
  }

  const { server, destroy } = tcpServer(secure, accept);
  server.maxConnections = options.maxConnections;
  const address = advertisedAddress(options, await bind(server, options));

  /** Waits until nothing more comes from peers that speak plain Dubbo 2. */
  async function quiet(end: number): Promise<void> {
    while (ports.clock.now() + quietMs < end && [...sessions].some(({ asked }) => asked)) {
      for (const session of sessions) session.asked = false;
      await ports.timers.sleep(quietMs);
    }
  }

  async function close(graceMs: number): Promise<void> {
    server.close();
    for (const session of sessions) session.announceEnd();
    const end = ports.clock.now() + graceMs;
    await quiet(end);
    refusing = true;
    await inFlight.drain(
      Math.max(0, end - ports.clock.now()),
      ports.timers,
      new StatusError("UNAVAILABLE", `${address} was shut down`),
    );
    const ended = sessions.size === 0 ? undefined : new Promise<void>((resolve) => (allEnded = resolve));
    const timer = ports.timers.after(lingerMs, () => {
      for (const session of sessions) session.destroy();
    });
    for (const session of sessions) session.end();
    await ended;
    timer.cancel();
    destroy();
  }

  return {
    address,
    update(next) {
      current = offered(next, options.services);
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}
