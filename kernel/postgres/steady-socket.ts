import { Socket } from "node:net";
import { systemPorts } from "../core/ports.ts";

/**
 * A socket that tells of its end at one moment. Between the `error` of a lost connection and its `close` there is a gap, in
 * which postgres.js 3.4 still sends queries over it and then forgets them: they never settle. And a write it has put off
 * until the end of the turn keeps its connection from ever writing again, if the `close` comes before. So the error is
 * told together with the close, and that in a turn of its own, when what was put off has been written.
 */
export class SteadySocket extends Socket {
  #failure: Error | undefined;

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (event === "error") {
      this.#failure = given[0] as Error;
      return true;
    }
    if (event !== "close") return super.emit(event, ...given);
    systemPorts.timers.after(0, () => {
      if (this.#failure) super.emit("error", this.#failure);
      super.emit("close", ...given);
    });
    return true;
  }
}

/** Begins to connect; what is written meanwhile waits. */
export function connectSteadily(host: string, port: number): Socket {
  return new SteadySocket().connect({ host, port });
}
