import { freePort } from "../processes/free-port.ts";
import { type RealServer, type RealServerOptions, realServer } from "./real-server.ts";

/** An etcd server of one member: `ETCD_URL`, else `etcd` from PATH, else installed. It keeps its data over a crash. */
export async function etcdServer(options: RealServerOptions = {}): Promise<RealServer> {
  const peers = await freePort();
  return realServer(
    {
      name: "etcd server",
      env: "ETCD_URL",
      command: "etcd",
      debianPackage: "etcd-server",
      args: ({ host, port, dir }) => [
        ...["--name", "test", "--data-dir", `${dir}/data`, "--unsafe-no-fsync"],
        ...["--listen-client-urls", `http://${host}:${port}`, "--advertise-client-urls", `http://${host}:${port}`],
        ...[
          "--listen-peer-urls",
          `http://${host}:${peers}`,
          "--initial-advertise-peer-urls",
          `http://${host}:${peers}`,
        ],
        ...["--initial-cluster", `test=http://${host}:${peers}`, "--heartbeat-interval", "20"],
        ...["--election-timeout", "200", "--log-level", "error", "--logger", "zap"],
      ],
      url: ({ host, port }) => `http://${host}:${port}`,
    },
    options,
  );
}
