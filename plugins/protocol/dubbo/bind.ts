import type { Server } from "node:net";
import { bareHost, type ListeningPlace, listenRefusal } from "@mortise/kernel/spi/listening";

/** Opens the port; gives its number. Rejects with an Error that names the port, the option and the way out. */
export function bind(server: Server, place: ListeningPlace): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = ({ code, message }: NodeJS.ErrnoException) =>
      reject(listenRefusal("protocol/dubbo", place, code ?? message));
    server.once("error", failed);
    server.listen({ host: bareHost(place.host), port: place.port }, () => {
      server.off("error", failed);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : place.port);
    });
  });
}
