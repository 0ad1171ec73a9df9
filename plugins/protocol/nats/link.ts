import { readFileSync } from "node:fs";
import { type Log, type Ports, StatusError } from "@mortise/kernel";
import { awake } from "@mortise/kernel/processes/awake";
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from "nats";
import type { NatsOptions } from "./options.ts";

/** The connection to NATS that everything of one plugin shares. It is made again for ever when it is lost. */
export interface NatsLink {
  readonly nats: NatsConnection;
  /** Whether the server can be reached now. */
  readonly up: boolean;
  /** The longest payload the server takes, headers included, in bytes. */
  readonly maxPayload: number;
  /** Runs `listener` whenever the connection is lost. Returns how to forget it. */
  onLost(listener: () => void): () => void;
  /** Sends what is still to be sent, and closes. */
  stop(): Promise<void>;
}

/** Connects, waiting for a server that is about to come up. Throws a StatusError that says what is wrong. */
export function natsLink(options: NatsOptions, ports: Ports, log: Log, signal?: AbortSignal): Promise<NatsLink> {
  return awake(async () => watched(await untilReachable(options, ports, signal), log));
}

async function untilReachable(
  options: NatsOptions,
  { clock, timers }: Ports,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  const given = connectionOptions(options);
  for (const until = clock.now() + options.startTimeoutMs; ; await timers.sleep(100, signal)) {
    try {
      return await connect({ ...given, timeout: Math.max(1, Math.min(until - clock.now(), 5000)) });
    } catch (error) {
      const problem = refusal(error, options);
      if (problem) throw problem;
      if (clock.now() > until) throw unreachable(error, options);
    }
  }
}

function connectionOptions(options: NatsOptions): ConnectionOptions {
  const { servers, user, password, token, credentialsFile, tls, prefix } = options;
  return {
    servers,
    name: `${prefix} protocol/nats`,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    ...(tls && { tls: Object.fromEntries(Object.entries(tls).filter(([, file]) => file !== undefined)) }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    ignoreAuthErrorAbort: true,
    pingInterval: 20_000,
    noAsyncTraces: true,
  };
}

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === undefined ? String(error) : String(code);
}

/** What waiting does not help against. */
function refusal(error: unknown, { servers }: NatsOptions): StatusError | undefined {
  const code = codeOf(error);
  const where = servers.join(", ");
  if (/^(AUTHORIZATION_VIOLATION|AUTHENTICATION_|BAD_AUTHENTICATION|BAD_CREDS)/.test(code)) {
    const message = `protocol/nats: the server ${where} does not let us in (${code}); correct user, password, token or credentialsFile`;
    return new StatusError("UNAUTHENTICATED", message, { cause: error });
  }
  if (/CERT|TLS|SSL|SIGN|ALTNAME|VERIFY|^ENOENT$/.test(code)) {
    const words = error instanceof Error ? error.message : code;
    const message = `protocol/nats: no secure connection to ${where}: ${words}; correct tls`;
    return new StatusError("FAILED_PRECONDITION", message, { cause: error });
  }
  return undefined;
}

function unreachable(error: unknown, { servers, startTimeoutMs }: NatsOptions): StatusError {
  const message =
    `protocol/nats: no NATS server answers at ${servers.join(", ")} (${codeOf(error)}, tried for ` +
    `${startTimeoutMs / 1000} s); start one with \`nats-server\`, or correct the option "servers"`;
  return new StatusError("UNAVAILABLE", message, { cause: error });
}

function watched(nats: NatsConnection, log: Log): NatsLink {
  const listeners = new Set<() => void>();
  let up = true;
  const watch = async () => {
    for await (const { type, data } of nats.status()) {
      if (type === "disconnect") {
        up = false;
        log.warn("the connection to NATS is lost and will be made again", { server: String(data) });
        for (const listener of [...listeners]) listener();
      } else if (type === "reconnect") {
        up = true;
        log.info("connected to NATS again", { server: String(data) });
      }
    }
  };
  void watch();
  return {
    nats,
    get up() {
      return up && !nats.isClosed();
    },
    get maxPayload() {
      return nats.info?.max_payload ?? 1_048_576;
    },
    onLost: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: async () => {
      if (nats.isClosed()) return;
      if (up) await nats.drain().catch(() => nats.close());
      else await nats.close();
    },
  };
}
