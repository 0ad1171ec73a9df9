import { readFileSync } from "node:fs";
import { type Log, type Ports, StatusError } from "@mortise/kernel";
import { awake } from "@mortise/kernel/processes/awake";
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from "nats";
import { codeOfError } from "./failures.ts";
import type { NatsBusOptions } from "./options.ts";

/**
 * Connects, waiting for a server that is about to come up, and makes sure that it has JetStream. From then on the
 * connection is made again for ever. Throws a StatusError that says what is wrong.
 */
export function connectNats(options: NatsBusOptions, ports: Ports, signal: AbortSignal): Promise<NatsConnection> {
  return awake(async () => {
    const nats = await untilReachable(connectionOptions(options), options, ports, signal);
    try {
      await requireJetStream(nats, options);
      return nats;
    } catch (error) {
      await nats.close();
      throw error;
    }
  });
}

async function untilReachable(
  given: ConnectionOptions,
  options: NatsBusOptions,
  { clock, timers }: Ports,
  signal: AbortSignal,
): Promise<NatsConnection> {
  for (const until = clock.now() + options.startTimeoutMs; ; await timers.sleep(100, signal)) {
    try {
      return await connect({ ...given, timeout: Math.max(1, Math.min(until - clock.now(), 5000)) });
    } catch (error) {
      const problem = refusal(error, options.servers);
      if (problem) throw problem;
      if (clock.now() > until) throw unreachable(error, options);
    }
  }
}

function connectionOptions(options: NatsBusOptions): ConnectionOptions {
  const { servers, user, password, token, credentialsFile, tls, prefix } = options;
  return {
    servers,
    name: prefix,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    ...(tls && { tls: Object.fromEntries(Object.entries(tls).filter(([, file]) => file !== undefined)) }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    ignoreAuthErrorAbort: true,
    pingInterval: 20_000,
  };
}

/** What waiting does not help against. */
function refusal(error: unknown, servers: readonly string[]): StatusError | undefined {
  const code = codeOfError(error);
  if (/^(AUTHORIZATION_VIOLATION|AUTHENTICATION_|BAD_AUTHENTICATION|BAD_CREDS)/.test(code)) {
    const message = `the NATS server ${servers.join(", ")} does not let us in (${code}); correct user, password, token or credentialsFile`;
    return new StatusError("UNAUTHENTICATED", message, { cause: error });
  }
  if (/CERT|TLS|SSL|SIGN|ALTNAME|VERIFY|^ENOENT$/.test(code)) {
    const words = error instanceof Error ? error.message : code;
    return new StatusError(
      "FAILED_PRECONDITION",
      `no secure connection to NATS ${servers.join(", ")}: ${words}; correct tls`,
    );
  }
  return undefined;
}

function unreachable(error: unknown, { servers, startTimeoutMs, tls }: NatsBusOptions): StatusError {
  const message =
    `no NATS server answers at ${servers.join(", ")} (${codeOfError(error)}, tried for ${startTimeoutMs / 1000} s); ` +
    "start one with `nats-server -js`, or correct servers" +
    (tls && !tls.certFile ? "; if it asks for a certificate, set tls.certFile and tls.keyFile" : "");
  return new StatusError("UNAVAILABLE", message, { cause: error });
}

async function requireJetStream(nats: NatsConnection, { servers }: NatsBusOptions): Promise<void> {
  const { version = "", host, port } = nats.info ?? {};
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 2 || (major === 2 && minor < 9)) {
    const message = `the NATS server at ${host}:${port} has version ${version}; 2.9 or newer is needed`;
    throw new StatusError("FAILED_PRECONDITION", message);
  }
  try {
    const manager = await nats.jetstreamManager({ checkAPI: false });
    await manager.getAccountInfo();
  } catch (cause) {
    const message = `the NATS server at ${servers.join(", ")} has JetStream not enabled; start it with \`nats-server -js\``;
    throw new StatusError("FAILED_PRECONDITION", message, { cause });
  }
}

/** Whether the server can be reached now, and a word when it is back. */
export interface Link {
  readonly up: boolean;
  onBack(listener: () => void): void;
}

/** Watches a connection and tells the log when it is lost and found. */
export function watchLink(nats: NatsConnection, log: Log): Link {
  const listeners: (() => void)[] = [];
  let up = true;
  const watch = async () => {
    for await (const { type, data } of nats.status()) {
      if (type === "disconnect") {
        if (up) log.warn("the connection to NATS is lost and will be made again", { server: String(data) });
        up = false;
      } else if (type === "reconnect") {
        up = true;
        log.info("connected to NATS again", { server: String(data) });
        for (const listener of listeners) listener();
      }
    }
    up = false;
  };
  void watch();
  return {
    get up() {
      return up && !nats.isClosed();
    },
    onBack: (listener) => {
      listeners.push(listener);
    },
  };
}
