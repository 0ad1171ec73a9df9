import { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import type { ByteSink } from "@mortise/kernel/contract";

/** The part of a socket that an outbox writes to. */
export interface Writable {
  write(bytes: Uint8Array): boolean;
  readonly writableLength: number;
  /** True for connections with TLS. */
  readonly encrypted?: boolean;
}

const usualBytes = 64 * 1024;
/** Beyond this a buffer that has grown for one long message is not kept. */
const keptBytes = 512 * 1024;

/**
 * Gathers what is written to one connection within a turn of the event loop and hands it to the socket as one piece: the
 * system call is what costs. Its memory is used again as soon as the socket has passed it on.
 */
export class Outbox implements ByteSink {
  buffer: Uint8Array = Buffer.allocUnsafeSlow(usualBytes);
  position = 0;
  /** Whether a frame is being written; a getter of a message may want to send another one meanwhile. */
  busy = false;
  readonly #socket: Writable;
  /** Whether the socket keeps what it is given for a while, as one with TLS always does; then it is given a copy. */
  readonly #copies: boolean;
  #due = false;
  #closed = false;
  readonly #run = (): void => this.#turn();

  constructor(socket: Writable) {
    this.#socket = socket;
    this.#copies = socket.encrypted === true;
  }

  reserve(bytes: number): void {
    const needed = this.position + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.position));
    this.buffer = grown;
  }

  /** Bytes that the peer has not taken yet. */
  get pending(): number {
    return this.position + this.#socket.writableLength;
  }

  /** Call after every frame: it leaves with the others of this turn, or at once when there is enough. */
  commit(): void {
    if (this.position >= usualBytes) return this.flush();
    if (this.#due) return;
    this.#due = true;
    nextTick(this.#run);
  }

  #turn(): void {
    this.#due = false;
    this.flush();
  }

  flush(): void {
    if (this.position === 0 || this.#closed) return;
    const { buffer, position } = this;
    this.position = 0;
    const piece = buffer.subarray(0, position);
    this.#socket.write(this.#copies ? Buffer.from(piece) : piece);
    const kept = this.#socket.writableLength > 0 && !this.#copies;
    if (kept || buffer.length > keptBytes) this.buffer = Buffer.allocUnsafeSlow(usualBytes);
  }

  /** Drops what was not handed over, and everything from now on. */
  close(): void {
    this.#closed = true;
    this.position = 0;
  }
}
