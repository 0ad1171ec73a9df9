import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * How a network treats what goes through it.
 * - `pass`: as it is.
 * - `cut`: connections are reset, new ones too.
 * - `silent`: nothing comes through, and nobody is told.
 * - a number: everything comes so many milliseconds later.
 */
export type Weather = "pass" | "cut" | "silent" | number;

/** A way over TCP to one server that can be disturbed. */
export interface Way {
  readonly port: number;
  weather(now: Weather): void;
  close(): Promise<void>;
}

export async function proxyTo(host: string, port: number): Promise<Way> {
  const sockets = new Set<Socket>();
  let now: Weather = "pass";
  const held: (() => void)[] = [];

  function carry(from: Socket, to: Socket): void {
    let last = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      last = last.then(async () => {
        if (now === "silent") await new Promise<void>((resolve) => void held.push(resolve));
        if (typeof now === "number") await new Promise((resolve) => setTimeout(resolve, now as number));
        if (!to.destroyed) to.write(chunk);
      });
    });
    const end = () => void last.then(() => to.destroy());
    from.on("error", end).on("close", end);
    sockets.add(from);
    from.on("close", () => sockets.delete(from));
  }

  const server = createServer((near) => {
    near.setNoDelay(true);
    if (now === "cut") return void near.resetAndDestroy();
    const far = connect({ host, port, noDelay: true });
    carry(near, far);
    carry(far, near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    weather(next) {
      now = next;
      if (next === "cut") for (const socket of sockets) socket.resetAndDestroy();
      if (next !== "silent") for (const go of held.splice(0)) go();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
