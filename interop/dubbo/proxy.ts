import { connect, createServer, type Socket } from "node:net";

/** Bytes that went one way over one connection. */
export interface Passed {
  readonly from: "client" | "server";
  readonly bytes: Buffer;
}

/** Stands between two peers: counts connections, keeps what passes when asked to, and can cut the line. */
export interface Tap {
  readonly port: number;
  /** Connections that clients have made so far. */
  readonly accepted: number;
  readonly passed: Passed[];
  cut(): void;
  close(): Promise<void>;
}

/** Opens a port that leads to `target` on this machine. */
export async function startProxy(target: number, keep = false): Promise<Tap> {
  const passed: Passed[] = [];
  const open = new Set<Socket>();
  let accepted = 0;
  const server = createServer((client) => {
    accepted++;
    const upstream = connect(target, "127.0.0.1");
    join(client, upstream, open);
    if (!keep) return;
    client.on("data", (bytes) => passed.push({ from: "client", bytes }));
    upstream.on("data", (bytes) => passed.push({ from: "server", bytes }));
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve)); // Dubbo takes 127.0.0.1 for this machine's address
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: portOf(server.address()),
    get accepted() {
      return accepted;
    },
    passed,
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function join(client: Socket, upstream: Socket, open: Set<Socket>): void {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    open.add(one);
    one.on("error", () => other.destroy());
    one.on("close", () => {
      open.delete(one);
      other.destroy();
    });
    one.pipe(other);
  }
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (address === null || typeof address === "string") throw new Error("the proxy listens on no port");
  return address.port;
}

/** A port of this machine that nobody listens on now. */
