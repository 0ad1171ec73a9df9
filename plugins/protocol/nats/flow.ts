import { type Pipe, pipe, readOnce, StatusError } from "@mortise/kernel";
import type { MsgHdrs } from "nats";
import { encodeFrame, type Frame, type FrameKind, frameHeadBytes, uint32 } from "./frame.ts";
import type { SentHeaders } from "./metadata.ts";

/** What every message costs beside its bytes, so that many small ones are bounded too. */
const messageCost = 64;

/** The sending half of a call: numbers the frames, cuts long messages in pieces, waits for credit. */
export class Outlet {
  readonly #publish: (bytes: Uint8Array, headers?: MsgHdrs) => void;
  readonly #maxPayload: number;
  #sequence = 0;
  #credit: number;
  #room: (() => void) | undefined = undefined;

  constructor(publish: (bytes: Uint8Array, headers?: MsgHdrs) => void, maxPayload: number, credit: number) {
    this.#publish = publish;
    this.#maxPayload = maxPayload;
    this.#credit = credit;
  }

  send(kind: FrameKind, body?: Uint8Array, sent?: SentHeaders): void {
    this.#publish(encodeFrame(kind, this.#sequence++, body), sent?.headers);
  }

  /** Sends a message, from byte `from` on where the beginning has gone out already. Headers go with its last piece. */
  message(bytes: Uint8Array, sent?: SentHeaders, from = 0): void {
    this.#credit -= bytes.length + messageCost;
    const piece = this.#maxPayload - frameHeadBytes - (sent?.bytes ?? 0);
    let at = from;
    for (; bytes.length - at > piece; at += piece) this.send("part", bytes.subarray(at, at + piece));
    this.send("message", at === 0 ? bytes : bytes.subarray(at), sent);
  }

  grant(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > 0) this.release();
  }

  /** Resolves when the other side takes more, or when waiting has become pointless; nothing if it does now. */
  room(): Promise<void> | undefined {
    if (this.#credit > 0) return undefined;
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  }

  release(): void {
    this.#room?.();
    this.#room = undefined;
  }
}

/** The receiving half of a call: notices lost frames and puts messages together. */
export class Inlet {
  readonly #maxMessageBytes: number;
  readonly #path: string;
  #next = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxMessageBytes: number, path: string, first?: Uint8Array) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#path = path;
    if (first) this.#add(first);
  }

  /** The message that is complete with this frame, if one is. Throws UNAVAILABLE after a loss, RESOURCE_EXHAUSTED. */
  accept({ kind, sequence, body }: Frame): Uint8Array | undefined {
    if (sequence !== this.#next)
      throw new StatusError("UNAVAILABLE", `messages of a call of ${this.#path} were lost on their way`);
    this.#next++;
    if (kind !== "part" && kind !== "message") return undefined;
    if (this.#bytes + body.length > this.#maxMessageBytes) throw tooLong(this.#path, this.#maxMessageBytes);
    if (kind === "message" && this.#parts.length === 0) return body;
    this.#add(body);
    return kind === "message" ? this.#whole() : undefined;
  }

  #add(body: Uint8Array): void {
    this.#parts.push(body);
    this.#bytes += body.length;
  }

  #whole(): Uint8Array {
    const whole = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return whole;
  }
}

export function tooLong(path: string, maxBytes: number, what = "a message", limit = "option maxMessageBytes") {
  const message = `protocol/nats: ${what} of ${path} is longer than the ${limit} allows: ${maxBytes} bytes`;
  return new StatusError("RESOURCE_EXHAUSTED", message);
}

/** A stream of received messages that gives credit back as they are read. */
export interface Mailbox {
  readonly stream: AsyncIterable<unknown>;
  write(message: unknown, bytes: number): void;
  end(): void;
  fail(error: unknown): void;
}

export interface MailboxOptions {
  readonly windowBytes: number;
  /** Gives the other side credit. */
  readonly grant: (credit: Uint8Array) => void;
  readonly onLeave: () => void;
}

export function mailbox({ windowBytes, grant, onLeave }: MailboxOptions): Mailbox {
  const messages: Pipe<{ readonly message: unknown; readonly cost: number }> = pipe({ onLeave });
  const source = messages.stream[Symbol.asyncIterator]();
  let taken = 0;
  const took = (cost: number) => {
    taken += cost;
    if (taken < windowBytes / 2 || messages.closed) return;
    grant(uint32(taken));
    taken = 0;
  };
  const stream = readOnce({
    next: async (): Promise<IteratorResult<unknown, void>> => {
      const result = await source.next();
      if (result.done) return { done: true, value: undefined };
      took(result.value.cost);
      return { done: false, value: result.value.message };
    },
    return: async () => {
      await source.return?.();
      return { done: true, value: undefined } as const;
    },
  });
  return {
    stream,
    write: (message, bytes) => void messages.write({ message, cost: bytes + messageCost }),
    end: () => messages.end(),
    fail: (error) => messages.fail(error),
  };
}
