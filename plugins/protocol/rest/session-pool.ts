import http2Module, { type ClientHttp2Session } from "node:http2";
import type { Timers } from "@mortise/kernel";
import { guardDeno } from "@mortise/kernel/spi/deno-guard";
import type { TlsMaterial } from "@mortise/kernel/spi/tls-files";
import type { RestOptions } from "./options.ts";

/** A connection of HTTP/2, and whether there ever was one. */
export interface Session {
  readonly http2: ClientHttp2Session;
  readonly connected: boolean;
  /** A call begins: as long as one is under way the connection keeps the process alive. */
  begin(): void;
  end(): void;
}

/** One user's share of the connection to an address. */
export interface SessionLease {
  /** The connection, made anew where the last one is going away. */
  session(): Session;
  /** The last one to release a connection closes it. Call once. */
  release(): void;
}

export interface SessionSetup {
  readonly options: RestOptions;
  readonly material: TlsMaterial | undefined;
  readonly timers: Timers;
}

/** Gives every user of an address the same connection. */
export function sessionPool(setup: SessionSetup): (address: string) => SessionLease {
  guardDeno();
  const entries = new Map<string, { session: Session | undefined; users: number }>();
  return (address) => {
    const entry = entries.get(address) ?? { session: undefined, users: 0 };
    entries.set(address, entry);
    entry.users++;
    return {
      session: () => {
        const { session } = entry;
        if (session && !session.http2.closed && !session.http2.destroyed) return session;
        const made = open(address, setup, () => {
          if (entry.session === made) entry.session = undefined;
        });
        entry.session = made;
        return made;
      },
      release: () => {
        if (--entry.users > 0) return;
        entries.delete(address);
        if (entry.session) closeSession(entry.session.http2, setup.timers);
      },
    };
  };
}

/** How long a connection that is closed may take to say so to its peer, in milliseconds. */
const lingerMs = 1000;

/** Where the peer sends what is no HTTP/2 while a session closes, Node 24 lets it wait for ever. */
function closeSession(http2: ClientHttp2Session, timers: Timers): void {
  http2.close();
  const late = timers.after(lingerMs, () => http2.destroy());
  http2.once("close", () => late.cancel());
}

/** `onEnd` runs once no further call should use it. */
function open(address: string, { options, material, timers }: SessionSetup, onEnd: () => void): Session {
  const { tls, connectTimeoutMs } = options;
  const own = tls?.mutual && material?.pair ? { cert: material.pair.cert, key: material.pair.key } : {};
  const http2 = http2Module.connect(`${tls ? "https" : "http"}://${address}`, {
    settings: { enablePush: false, initialWindowSize: 1_048_576 },
    maxSessionMemory: 1024,
    ...(material?.ca && { ca: material.ca }),
    ...own,
    ...(tls?.serverName !== undefined && { servername: tls.serverName }),
  });
  let connected = false;
  const late = timers.after(connectTimeoutMs, () => {
    if (!connected) http2.destroy(new Error(`no connection within ${connectTimeoutMs} ms`));
  });
  http2.on("connect", () => {
    connected = true;
    late.cancel();
  });
  http2.on("error", () => undefined); // the calls of it hear of it
  http2.on("goaway", onEnd);
  http2.on("close", () => {
    late.cancel();
    onEnd();
  });
  http2.unref();
  let calls = 0;
  return {
    http2,
    begin: () => {
      if (calls++ === 0 && !http2.destroyed) http2.ref();
    },
    end: () => {
      if (--calls === 0 && !http2.destroyed) http2.unref();
    },
    get connected() {
      return connected;
    },
  };
}
