import { type RealServer, type RealServerOptions, realServer, type ServerProgram } from "./real-server.ts";

export interface NatsServerOptions extends RealServerOptions {
  /** Further arguments, for example `["--user", "u", "--pass", "p"]`; they make it a server of our own. */
  readonly args?: readonly string[];
  /** Without JetStream it only passes messages on. Default true. */
  readonly jetStream?: boolean;
}

/** A NATS server with JetStream: `NATS_URL`, else `nats-server` from PATH, else installed. */
export function natsServer({ args = [], jetStream = true, ours = false }: NatsServerOptions = {}): Promise<RealServer> {
  return realServer(natsProgram(args, jetStream), { ours: ours || args.length > 0 || !jetStream });
}

function natsProgram(args: readonly string[], jetStream: boolean): ServerProgram {
  return {
    name: "NATS server",
    env: "NATS_URL",
    command: "nats-server",
    debianPackage: "nats-server",
    args: ({ host, port, dir }) => ["-a", host, "-p", `${port}`, ...(jetStream ? ["-js", "-sd", dir] : []), ...args],
    url: ({ host, port }) => `nats://${host}:${port}`,
  };
}
