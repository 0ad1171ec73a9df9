import { type AddressInfo, createServer } from "node:net";

/** A TCP port of the loopback interface that was free a moment ago. Somebody else may take it: be ready to ask again. */
export function freePort(host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
