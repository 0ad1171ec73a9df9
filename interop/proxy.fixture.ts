import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A network between two processes that a test can cut. */
export interface Proxy {
  readonly address: string;
  /** Where it leads; set before the first connection. */
  to: string;
  /** Nothing comes through any more, and nobody hears of it: as when a cable is pulled. */
  cut(): void;
  /** What was cut is closed, new connections come through. */
  heal(): void;
  readonly connections: number;
  close(): Promise<void>;
}

export async function tcpProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const [host = "", port] = proxy.to.split(":");
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => {
        if (!isCut) to.write(bytes);
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        if (!isCut) to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: "",
    get connections() {
      return sockets.size / 2;
    },
    cut() {
      isCut = true;
    },
    heal() {
      for (const socket of sockets) socket.destroy();
      isCut = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
