import type { Context } from "./context.ts";
import { StatusError } from "./status.ts";

/** What a stream needs of a context: to hear when the call is over. */
export type Cancellable = Pick<Context, "cancelled" | "onCancel">;

/** Told once how a stream ended: nothing when it came to its end. */
export type StreamEnd = (error: unknown) => void;

/** Makes an iterable that can be read once; a second reader gets a TypeError instead of half of the messages. */
export function readOnce<T>(iterator: AsyncIterator<T, void>): AsyncIterable<T> {
  let taken = false;
  return {
    [Symbol.asyncIterator]() {
      if (taken) throw new TypeError("a stream can be read only once");
      taken = true;
      return iterator;
    },
  };
}

/**
 * The same stream, and `end` is told when it is over: at its end, with its error, with CANCELLED when the reader leaves
 * early. With a context, a cancellation ends it at once, even while the source keeps silent, and the source is closed.
 */
export function watchStream<T>(source: AsyncIterable<T>, end: StreamEnd, context?: Cancellable): AsyncIterable<T> {
  return readOnce(new Watched(source, end, context));
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

class Watched<T> implements AsyncIterator<T, void> {
  readonly #iterator: AsyncIterator<T>;
  readonly #end: StreamEnd;
  readonly #forget: () => void;
  #over = false;
  /** Set when the stream was cancelled and no reader has been told yet. */
  #untold: StatusError | undefined = undefined;
  #waiting: ((reason: StatusError) => void)[] = [];

  constructor(source: AsyncIterable<T>, end: StreamEnd, context: Cancellable | undefined) {
    this.#iterator = source[Symbol.asyncIterator]();
    this.#end = end;
    this.#forget = ignore;
    if (context) this.#forget = context.onCancel((reason) => this.#cancel(reason));
  }

  next(): Promise<IteratorResult<T, void>> {
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold) return Promise.reject(untold);
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
          this.#finish(error);
          reject(error);
        },
      );
    });
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#untold = undefined;
    if (this.#over) return finished;
    this.#finish(new StatusError("CANCELLED", "the reader of the stream has left"));
    await this.#iterator.return?.();
    return finished;
  }

  #cancel(reason: StatusError): void {
    if (this.#over) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) this.#untold = reason;
    this.#finish(reason);
    for (const reject of waiting) reject(reason);
    closeQuietly(this.#iterator);
  }

  #finish(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#end(error);
  }
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
