import { readOnce } from "./stream.ts";

export interface PipeOptions {
  /** Messages held for a slow reader before `write` asks the writer to wait. Default 16. */
  readonly limit?: number;
  /** The reader has made room again after `write` had said no. */
  onRoom?(): void;
  /** The reader has left before the end; nothing written from now on is read. */
  onLeave?(): void;
}

/** A stream whose writer pushes and whose reader pulls, with a bounded buffer between them. */
export interface Pipe<T> {
  /** What is written, for one reader. */
  readonly stream: AsyncIterable<T>;
  /**
   * Passes a message on. False: the buffer is full and the writer has to wait for `onRoom` or `ready()`; the message is
   * kept all the same. After the end, or when the reader has left, the message is dropped.
   */
  write(message: T): boolean;
  /** Resolves when there is room, or when waiting for it has become pointless. */
  ready(): Promise<void>;
  /** The reader gets what is buffered, then the end. */
  end(): void;
  /** The reader gets what is buffered, then the error. */
  fail(error: unknown): void;
  /** Whether the stream has ended, failed or lost its reader. */
  readonly closed: boolean;
  readonly buffered: number;
}

export function pipe<T>(options: PipeOptions = {}): Pipe<T> {
  return new BoundedPipe(options);
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, void>) => void;
  readonly reject: (error: unknown) => void;
}

const finished: IteratorReturnResult<void> = Object.freeze({ done: true, value: undefined });

class BoundedPipe<T> implements Pipe<T>, AsyncIterator<T, void> {
  readonly stream: AsyncIterable<T> = readOnce<T>(this);
  readonly #limit: number;
  readonly #options: PipeOptions;
  readonly #buffer: T[] = [];
  /** Readers' requests that came before a message. */
  readonly #waiting: Waiting<T>[] = [];
  #writers: (() => void)[] = [];
  #refused = false;
  #closed = false;
  #error: { readonly error: unknown } | undefined = undefined;

  constructor(options: PipeOptions) {
    this.#options = options;
    this.#limit = options.limit ?? 16;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get buffered(): number {
    return this.#buffer.length;
  }

  write(message: T): boolean {
    if (this.#closed) return false;
    const reader = this.#waiting.shift();
    if (reader) reader.resolve({ done: false, value: message });
    else this.#buffer.push(message);
    this.#refused = this.#buffer.length >= this.#limit;
    return !this.#refused;
  }

  ready(): Promise<void> {
    if (this.#closed || this.#buffer.length < this.#limit) return Promise.resolve();
    return new Promise((resolve) => this.#writers.push(resolve));
  }

  end(): void {
    this.#close(undefined);
  }

  fail(error: unknown): void {
    this.#close({ error });
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#buffer.length > 0) {
      const value = this.#buffer.shift() as T;
      this.#makeRoom();
      return Promise.resolve({ done: false, value });
    }
    const failed = this.#error;
    this.#error = undefined; // an iterator fails once, then it is at its end
    if (failed) return Promise.reject(failed.error);
    if (this.#closed) return Promise.resolve(finished);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async return(): Promise<IteratorReturnResult<void>> {
    const left = !this.#closed;
    this.#buffer.length = 0;
    this.#close(undefined);
    this.#error = undefined;
    if (left) this.#options.onLeave?.();
    return finished;
  }

  #makeRoom(): void {
    if (!this.#refused || this.#closed || this.#buffer.length > this.#limit / 2) return;
    this.#refused = false;
    this.#letWritersGo();
    this.#options.onRoom?.();
  }

  #close(error: { readonly error: unknown } | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const [first, ...others] = this.#waiting.splice(0);
    if (!first) this.#error = error;
    else if (error) first.reject(error.error);
    else first.resolve(finished);
    for (const other of others) other.resolve(finished);
    this.#letWritersGo();
  }

  #letWritersGo(): void {
    const writers = this.#writers;
    this.#writers = [];
    for (const go of writers) go();
  }
}
