import { createServer } from "node:net";
import type { Server, ServerCredentials } from "@grpc/grpc-js";
import { bareHost, hostAndPort, type ListeningPlace, listenRefusal } from "@mortise/kernel/spi/listening";

const plugin = "protocol/grpc";

/** Opens the port; gives its number. Rejects with an Error that names the port, the option and the way out. */
export async function bind(server: Server, place: ListeningPlace, credentials: ServerCredentials): Promise<number> {
  await tryPort(place); // grpc-js says what it fails at to the console, and not why to its caller
  return new Promise((resolve, reject) => {
    server.bindAsync(hostAndPort(place.host, place.port), credentials, (error, port) => {
      if (error) reject(listenRefusal(plugin, place, error.message));
      else resolve(port);
    });
  });
}

function tryPort(place: ListeningPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    const refuse = ({ code, message }: NodeJS.ErrnoException) => reject(listenRefusal(plugin, place, code ?? message));
    probe.once("error", refuse);
    probe.listen({ host: bareHost(place.host), port: place.port }, () => probe.close(() => resolve()));
  });
}
