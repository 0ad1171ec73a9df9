import { EventEmitter } from "node:events";
import { isIP, Socket } from "node:net";
import { connect as secure } from "node:tls";
import { startupOf } from "./startup.ts";

/** What a connection with TLS needs beside its address: Node's options of `tls.connect`. `host` is what the certificate must be for. */
export interface TlsOptions {
  readonly ca?: string;
  readonly rejectUnauthorized: boolean;
  readonly host: string;
}

/** PostgreSQL's SSLRequest: its length and the code 80877103. */
const sslRequest = Buffer.from("0000000804d2162f", "hex");

/** The server answers SSLRequest with one byte: this one when it goes on with TLS. */
const agreed = "S".charCodeAt(0);

/**
 * What postgres.js asks of a socket, over TLS. It is there at once, so that the time limit for connecting covers the
 * handshake and that giving up closes it; what is written before waits. Like a SteadySocket it tells of an error
 * together with the close. Errors of its own: `TLS_NOT_OFFERED`, `TLS_TAMPERED`, and `ECONNRESET` for a server that
 * closes while it is asked for TLS.
 */
export class SecureSocket extends EventEmitter {
  readonly host: string;
  readonly port: number;
  readonly #tls: TlsOptions;
  readonly #plain = new Socket();
  /** The plain one, until the one with TLS lies on top of it. */
  #socket = this.#plain;
  /** What to write once there is TLS; undefined: there is. */
  #early: (() => void)[] | undefined = [];
  #failure: Error | undefined;
  #givenUp = false;
  #closed = false;

  constructor(host: string, port: number, tls: TlsOptions) {
    super();
    this.host = host;
    this.port = port;
    this.#tls = tls;
    this.#plain.on("error", this.#failed).on("close", this.#over);
    this.#plain.once("data", this.#answered);
    this.#plain.connect({ host, port }).write(sslRequest);
  }

  /** Also open while it opens: whoever ends it then wants it closed. */
  get readyState(): string {
    return this.#closed ? "closed" : this.#early ? "open" : this.#socket.readyState;
  }

  write(chunk: Uint8Array, written?: (error?: Error | null) => void): boolean {
    if (!this.#early) return this.#socket.write(chunk, written);
    const bytes = this.#early.length === 0 ? startupOf(chunk) : chunk;
    this.#early.push(() => this.#socket.write(bytes, written));
    return true;
  }

  end(last: Uint8Array): void {
    if (this.#early) this.destroy();
    else this.#socket.end(last);
  }

  destroy(): void {
    this.#givenUp = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  setKeepAlive(enable: boolean, afterMs: number): void {
    this.#plain.setKeepAlive(enable, afterMs);
  }

  readonly #failed = (error: Error): void => {
    this.#failure ??= error;
  };

  readonly #over = (): void => {
    this.#closed = true;
    if (this.#early && !this.#givenUp) this.#failure ??= failure("ECONNRESET", "closed the connection");
    const told = this.#givenUp ? undefined : this.#failure;
    if (told) this.emit("error", told);
    this.emit("close", told !== undefined);
  };

  /** More than the one byte was not encrypted, and may be from anybody (CVE-2021-23222). */
  readonly #answered = (answer: Buffer): void => {
    if (answer[0] !== agreed) this.#refuse("TLS_NOT_OFFERED", "does not offer TLS");
    else if (answer.length > 1) this.#refuse("TLS_TAMPERED", "sent more than its answer before TLS began");
    else this.#secure();
  };

  #refuse(code: string, what: string): void {
    this.#plain.destroy(failure(code, what));
  }

  #secure(): void {
    this.#plain.off("close", this.#over); // the one on top closes after it
    const { host } = this.#tls;
    const secured = secure({ ...this.#tls, socket: this.#plain, ...(!isIP(host) && { servername: host }) });
    this.#socket = secured;
    secured.on("error", this.#failed).on("close", this.#over);
    secured.on("data", (chunk) => this.emit("data", chunk)).on("drain", () => this.emit("drain"));
    secured.once("secureConnect", () => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const write of early) write();
    });
  }
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`The server ${what} (${code})`), { code });
}
