import type { Socket } from "node:net";
import { type Ports, StatusError, type Timer } from "@mortise/kernel";
import { type SecureTcp, tcpConnect } from "@mortise/kernel/spi/secure-tcp";
import type { ClientCall } from "./client-call.ts";
import { ClientSession, type SessionOwner } from "./client-session.ts";
import type { DubboOptions } from "./options.ts";
import type { Vigil } from "./vigil.ts";

/** What links need of their plugin. */
export interface LinkSetup {
  readonly options: DubboOptions;
  readonly secure: SecureTcp | undefined;
  readonly ports: Ports;
  readonly vigil: Vigil;
}

type State = "idle" | "connecting" | "down" | "closed";

/**
 * A connection to one address that comes back when it is lost. The first call opens it and waits; after a failure calls
 * fail at once, while the link tries again by itself, less and less often.
 */
export class ClientLink implements SessionOwner {
  readonly #address: string;
  readonly #setup: LinkSetup;
  #state: State = "idle";
  #session: ClientSession | undefined = undefined;
  /** Sessions that finish what they have begun. */
  readonly #retiring = new Set<ClientSession>();
  #waiting: ClientCall[] = [];
  #failures = 0;
  #retry: Timer | undefined = undefined;
  #opening: Socket | undefined = undefined;

  constructor(address: string, setup: LinkSetup) {
    this.#address = address;
    this.#setup = setup;
  }

  send(call: ClientCall): void {
    const session = this.#session;
    if (session) return session.send(call);
    if (this.#state === "down" || this.#state === "closed") return call.fail(this.#unreachable("cannot be reached"));
    this.#waiting.push(call);
    if (this.#state === "idle") {
      this.#state = "connecting";
      this.#open();
    }
  }

  retired(session: ClientSession): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#retiring.add(session);
  }

  ended(session: ClientSession): void {
    this.#retiring.delete(session);
    this.#setup.vigil.remove(session);
  }

  close(): void {
    this.#state = "closed";
    this.#retry?.cancel();
    this.#opening?.destroy();
    this.#session?.end();
    for (const session of this.#retiring) session.end();
    this.#drop(this.#unreachable("is closed"));
  }

  #open(): void {
    const { options, secure, ports } = this.#setup;
    const { socket, ready } = tcpConnect(this.#address, secure);
    this.#opening = socket;
    if (this.#waiting.length === 0) socket.unref();
    const timer = ports.timers.after(options.connectTimeoutMs, () =>
      socket.destroy(new Error("connecting takes too long")),
    );
    const failed = (error: Error) => {
      timer.cancel();
      this.#failed(error);
    };
    socket.once("error", failed);
    socket.once(ready, () => {
      timer.cancel();
      socket.off("error", failed);
      this.#opened(socket);
    });
  }

  #opened(socket: Socket): void {
    const { options, ports, vigil } = this.#setup;
    this.#opening = undefined;
    if (this.#state === "closed") return void socket.destroy();
    this.#state = "idle";
    this.#failures = 0;
    const session = new ClientSession(socket, this.#address, this, options, ports.clock);
    vigil.add(session);
    this.#session = session;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) if (!call.over) this.send(call);
  }

  #failed({ message }: Error): void {
    this.#opening = undefined;
    if (this.#state === "closed") return;
    this.#state = "down";
    this.#drop(this.#unreachable(`cannot be reached: ${message}`));
    const { options, ports } = this.#setup;
    const waitMs = Math.min(options.reconnectMaxMs, options.reconnectMinMs * 2 ** Math.min(this.#failures++, 20));
    this.#retry = ports.timers.after(waitMs * (0.8 + 0.4 * ports.random()), () => this.#open());
  }

  #drop(error: StatusError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call.fail(error);
  }

  #unreachable(why: string): StatusError {
    return new StatusError("UNAVAILABLE", `${this.#address} ${why}`, { neverSent: true });
  }
}
