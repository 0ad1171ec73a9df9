import { Socket } from "node:net";
import { startupOf } from "./startup.ts";

/**
 * A socket that tells of its end at one moment. Between the `error` of a lost connection and its `close` there is a gap, in
 * which postgres.js 3.4 still sends queries over it and then forgets them: they never settle. So the error is told
 * together with the close, which is when everything that was sent is rejected.
 */
export class SteadySocket extends Socket {
  #failure: Error | undefined;

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (event === "error") {
      this.#failure = given[0] as Error;
      return true;
    }
    if (event !== "close") return super.emit(event, ...given);
    if (this.#failure) super.emit("error", this.#failure);
    return super.emit("close", ...given);
  }
}

/** Begins to connect; what is written meanwhile waits. `host` and `port` are what postgres.js names in its errors. */
export function connectSteadily(host: string, port: number): Socket {
  const socket = Object.assign(new SteadySocket(), { host, port });
  socket.connect({ host, port }); // that puts Node's own way of writing back
  startCleanly(socket);
  return socket;
}

/** Sends of the first that is written only what {@link startupOf} leaves of it. */
function startCleanly(socket: Socket): void {
  const write = socket.write.bind(socket);
  const first = (bytes: Uint8Array, written?: (error?: Error | null) => void): boolean => {
    socket.write = write;
    return write(startupOf(bytes), written);
  };
  socket.write = first as Socket["write"];
}
