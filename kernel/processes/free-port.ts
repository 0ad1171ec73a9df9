import { type AddressInfo, createServer } from "node:net";
import { systemPorts } from "../core/ports.ts";

/** Systems take the ports of connections that go out from above these. */
const lowest = 20_000;
const highest = 32_000;
const attempts = 100;

/**
 * A TCP port of the loopback interface that was free a moment ago; where there is one, none that the system might give to
 * a connection at any time. Somebody else may take it all the same: be ready to ask again.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (let left = attempts; left > 0; left--) {
    const port = lowest + Math.floor(systemPorts.random() * (highest - lowest));
    const free = await probe(port, host).catch(() => undefined);
    if (free !== undefined) return free;
  }
  return probe(0, host);
}

/** Listens there for a moment; port 0 means any. */
function probe(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(port, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
