import { type RealServer, type RealServerOptions, realServer } from "./real-server.ts";

/** A Redis server: `REDIS_URL`, else `redis-server` from PATH, else installed. Its data does not outlive a crash. */
export function redisServer(options: RealServerOptions = {}): Promise<RealServer> {
  return realServer(
    {
      name: "Redis server",
      env: "REDIS_URL",
      command: "redis-server",
      debianPackage: "redis-server",
      args: ({ host, port, dir }) => [
        "--bind",
        host,
        "--port",
        `${port}`,
        "--dir",
        dir,
        "--save",
        "",
        "--appendonly",
        "no",
      ],
      url: ({ host, port }) => `redis://${host}:${port}`,
    },
    options,
  );
}
