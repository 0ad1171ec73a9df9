import type { Context } from "./context.ts";
import { StatusError } from "./status.ts";

/** What a stream needs of a context: to hear when the call is over. */
export type Cancellable = Pick<Context, "cancelled" | "onCancel">;

/**
 * Told once how a stream ended: nothing when it came to its end. A StatusError it gives back is what the reader gets in
 * place of the stream's own error.
 */
export type StreamEnd = (error: unknown) => unknown;

/** Makes an iterable that can be read once; a second reader gets a TypeError instead of half of the messages. */
export function readOnce<T>(iterator: AsyncIterator<T, void>): AsyncIterable<T> {
  let taken = false;
  return {
    [Symbol.asyncIterator]() {
      if (taken) throw onlyOnce();
      taken = true;
      return iterator;
    },
  };
}

/**
 * The same stream, and `end` is told when it is over: at its end, with its error, with CANCELLED when the reader leaves
 * early. With a context, a cancellation ends it at once, even while the source keeps silent, and the source is closed.
 * Watching a stream that is watched and not yet read adds nothing to the way of a message.
 */
export function watchStream<T>(source: AsyncIterable<T>, end: StreamEnd, context?: Cancellable): WatchedStream<T> {
  const stream = source instanceof Watched && source.open ? (source as Watched<T>) : new Watched(source);
  stream.watch(end, context);
  return stream;
}

/** A stream whose end somebody is told of. */
export interface WatchedStream<T> extends AsyncIterable<T> {
  /** Waits for the first message or the end, and keeps it for the reader. Rejects when the stream fails before. */
  begin(): Promise<void>;
}

/**
 * A stream that begins when its reader asks for the first message. Leaving before that begins nothing; leaving while it
 * opens calls `abandon`, and closes it should it open all the same.
 */
export function deferredStream<T>(open: () => Promise<AsyncIterable<T>>, abandon: () => void): AsyncIterable<T> {
  return readOnce(new Deferred(open, abandon));
}

/**
 * Hands every message of `source` to `write`, the next one only after `write` has settled: the source is pulled no faster
 * than messages are taken. Rejects with the error of either; when the context is cancelled, with the reason, at once. In
 * both cases the source is closed.
 */
export async function pump<T>(
  source: AsyncIterable<T>,
  write: (message: T) => void | Promise<void>,
  context: Cancellable,
): Promise<void> {
  for await (const message of watchStream(source, ignore, context)) {
    const writing = write(message);
    if (writing) await orCancelled(writing, context);
  }
}

/** The outcome of `work`, or the reason of a cancellation that comes first. */
export function orCancelled<T>(work: Promise<T>, context: Cancellable): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = context.onCancel(reject);
    work.then(
      (value) => {
        forget();
        resolve(value);
      },
      (error: unknown) => {
        forget();
        reject(error);
      },
    );
  });
}

const finished: IteratorReturnResult<void> = Object.freeze({ done: true, value: undefined });
const ignore = () => undefined;

class Watched<T> implements WatchedStream<T>, AsyncIterator<T, void> {
  readonly #iterator: AsyncIterator<T>;
  readonly #ends: StreamEnd[] = [];
  readonly #forgets: (() => void)[] = [];
  #taken = false;
  #over = false;
  /** Set when the stream was cancelled and no reader has been told yet. */
  #untold: { readonly error: unknown } | undefined = undefined;
  #waiting: ((reason: unknown) => void)[] = [];
  #begun: IteratorResult<T, void> | undefined = undefined;

  constructor(source: AsyncIterable<T>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Whether it can still be watched and read. */
  get open(): boolean {
    return !this.#taken && !this.#over;
  }

  watch(end: StreamEnd, context: Cancellable | undefined): void {
    this.#ends.push(end);
    if (context) this.#forgets.push(context.onCancel((reason) => this.#cancel(reason)));
    if (this.#over) this.#forget(); // it was cancelled before
  }

  [Symbol.asyncIterator](): AsyncIterator<T, void> {
    if (this.#taken) throw onlyOnce();
    this.#taken = true;
    return this;
  }

  async begin(): Promise<void> {
    this.#begun = await this.next();
  }

  next(): Promise<IteratorResult<T, void>> {
    const untold = this.#untold;
    if (untold) {
      this.#untold = undefined;
      return Promise.reject(untold.error);
    }
    const begun = this.#begun;
    if (begun) {
      this.#begun = undefined;
      return Promise.resolve(begun);
    }
    if (this.#over) return Promise.resolve(finished);
    return new Promise((resolve, reject) => {
      this.#waiting.push(reject);
      this.#iterator.next().then(
        (result) => {
          this.#waiting.shift();
          if (!result.done) return resolve(result);
          this.#finish(undefined);
          resolve(finished);
        },
        (error: unknown) => {
          this.#waiting.shift();
          reject(this.#finish(error));
        },
      );
    });
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#untold = undefined;
    this.#begun = undefined;
    if (this.#over) return finished;
    this.#finish(new StatusError("CANCELLED", "the reader of the stream has left"));
    await this.#iterator.return?.();
    return finished;
  }

  #cancel(reason: StatusError): void {
    if (this.#over) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#begun = undefined;
    const error = this.#finish(reason);
    if (waiting.length === 0) this.#untold = { error };
    for (const reject of waiting) reject(error);
    closeQuietly(this.#iterator);
  }

  /** Tells everybody from the inside out; gives the error the reader gets. */
  #finish(error: unknown): unknown {
    if (this.#over) return error;
    this.#over = true;
    this.#forget();
    let told = error;
    for (const end of this.#ends) {
      const other = end(told);
      if (error !== undefined && other instanceof StatusError) told = other;
    }
    return told;
  }

  #forget(): void {
    for (const forget of this.#forgets.splice(0)) forget();
  }
}

function onlyOnce(): TypeError {
  return new TypeError("a stream can be read only once");
}

class Deferred<T> implements AsyncIterator<T, void> {
  readonly #open: () => Promise<AsyncIterable<T>>;
  readonly #abandon: () => void;
  #opening: Promise<AsyncIterator<T>> | undefined = undefined;
  #opened: AsyncIterator<T> | undefined = undefined;
  #left = false;

  constructor(open: () => Promise<AsyncIterable<T>>, abandon: () => void) {
    this.#open = open;
    this.#abandon = abandon;
  }

  async next(): Promise<IteratorResult<T, void>> {
    if (this.#opened) return this.#opened.next();
    if (this.#left) return finished;
    this.#opening ??= this.#open().then((source) => source[Symbol.asyncIterator]());
    try {
      this.#opened = await this.#opening;
    } catch (error) {
      this.#left = true; // an iterator fails once, then it is at its end
      throw error;
    }
    return this.#opened.next();
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#left = true;
    if (this.#opened) await this.#opened.return?.();
    else if (this.#opening) {
      this.#abandon();
      this.#opening.then(closeQuietly, ignore);
    }
    return finished;
  }
}

/** Closes a source that nobody reads any more; what it has to say about that concerns nobody. */
function closeQuietly(iterator: AsyncIterator<unknown>): void {
  try {
    iterator.return?.()?.then(undefined, ignore);
  } catch {
    // as above
  }
}
