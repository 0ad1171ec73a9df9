import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { callContext } from "./call-context.ts";
import { pipe } from "./pipe.ts";
import { StatusError } from "./status.ts";
import { deferredStream, orCancelled, pump, readOnce, watchStream } from "./stream.ts";

const stop = new StatusError("CANCELLED", "stop");

interface Source {
  readonly stream: AsyncIterable<number>;
  readonly produced: () => number;
  readonly closed: () => boolean;
}

/** Numbers from 0; after `failAt` an error, after `silentAt` nothing more. */
function numbers({ count = Number.POSITIVE_INFINITY, failAt = -1, silentAt = -1 } = {}): Source {
  let produced = 0;
  let closed = false;
  const iterator: AsyncIterator<number, void> = {
    next: async () => {
      if (produced === failAt) throw new StatusError("DATA_LOSS", "source");
      if (produced === silentAt) await new Promise(() => undefined);
      return produced < count ? { done: false, value: produced++ } : { done: true, value: undefined };
    },
    return: async () => {
      closed = true;
      return { done: true, value: undefined };
    },
  };
  return { stream: { [Symbol.asyncIterator]: () => iterator }, produced: () => produced, closed: () => closed };
}

async function read<T>(stream: AsyncIterable<T>, atMost = Number.POSITIVE_INFINITY): Promise<T[]> {
  const seen: T[] = [];
  for await (const value of stream) {
    seen.push(value);
    if (seen.length === atMost) break;
  }
  return seen;
}

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

describe("a watched stream", () => {
  it("gives what its source gives and tells its end once", async () => {
    const ends: unknown[] = [];
    assert.deepEqual(await read(watchStream(numbers({ count: 3 }).stream, (e) => void ends.push(e))), [0, 1, 2]);
    assert.deepEqual(ends, [undefined]);
  });

  it("tells the error of its source", async () => {
    const ends: unknown[] = [];
    const stream = watchStream(numbers({ failAt: 2 }).stream, (e) => void ends.push(e));
    await assert.rejects(read(stream), { code: "DATA_LOSS" });
    assert.deepEqual(ends.map(String), ["StatusError: source"]);
  });

  it("closes its source when the reader leaves, and calls that cancelled", async () => {
    const ends: unknown[] = [];
    const source = numbers();
    assert.deepEqual(
      await read(
        watchStream(source.stream, (e) => void ends.push(e)),
        2,
      ),
      [0, 1],
    );
    assert.equal(source.closed(), true);
    assert.equal((ends[0] as StatusError).code, "CANCELLED");
    assert.equal(source.produced(), 2, "never read ahead");
  });

  it("ends at once when cancelled, while the source keeps silent", async () => {
    const ends: unknown[] = [];
    const context = callContext();
    const source = numbers({ silentAt: 1 });
    const reading = read(watchStream(source.stream, (e) => void ends.push(e), context));
    await turns();
    context.cancel(stop);
    await assert.rejects(reading, stop);
    assert.deepEqual([ends, source.closed()], [[stop], true]);
  });

  it("tells a reader who was away of the cancellation, once, then is at its end", async () => {
    const context = callContext();
    const iterator = watchStream(numbers().stream, () => undefined, context)[Symbol.asyncIterator]();
    await iterator.next();
    context.cancel(stop);
    await assert.rejects(iterator.next(), stop);
    assert.equal((await iterator.next()).done, true);
  });

  it("leaves nothing on the context once it is over", async () => {
    let listeners = 0;
    const context = {
      cancelled: undefined,
      onCancel: () => {
        listeners++;
        return () => listeners--;
      },
    };
    await read(watchStream(numbers({ count: 1 }).stream, () => undefined, context));
    await read(
      watchStream(numbers().stream, () => undefined, context),
      1,
    );
    await assert.rejects(read(watchStream(numbers({ failAt: 0 }).stream, () => undefined, context)));
    await orCancelled(Promise.resolve(), context);
    await assert.rejects(orCancelled(Promise.reject(stop), context), stop);
    assert.equal(listeners, 0);
  });

  it("is watched by several, the inner first, who may change the error", async () => {
    const ends: [string, string][] = [];
    const source = numbers({ failAt: 1 });
    const inner = watchStream(source.stream, (error) => {
      ends.push(["inner", (error as StatusError).code]);
      return new StatusError("INTERNAL", "changed");
    });
    const outer = watchStream(inner, (error) => void ends.push(["outer", (error as StatusError).code]));
    assert.equal(outer, inner, "no layer more");
    await assert.rejects(read(outer), { code: "INTERNAL" });
    assert.deepEqual(ends, [
      ["inner", "DATA_LOSS"],
      ["outer", "INTERNAL"],
    ]);
  });

  it("is watched behind another layer once it is being read", async () => {
    const ends: string[] = [];
    const inner = watchStream(numbers({ count: 2 }).stream, () => ends.push("inner"));
    const iterator = inner[Symbol.asyncIterator]();
    assert.throws(() => watchStream(inner, () => undefined), /only once/);
    await iterator.next();
    await iterator.return?.();
    assert.deepEqual(ends, ["inner"]);
  });

  it("can wait for its first message and gives it to the reader all the same", async () => {
    const source = numbers({ count: 2 });
    const stream = watchStream(source.stream, () => undefined);
    await stream.begin();
    assert.equal(source.produced(), 1);
    assert.deepEqual(await read(stream), [0, 1]);
    const empty = watchStream(numbers({ count: 0 }).stream, () => undefined);
    await empty.begin();
    assert.deepEqual(await read(empty), []);
    await assert.rejects(watchStream(numbers({ failAt: 0 }).stream, () => undefined).begin(), { code: "DATA_LOSS" });
  });

  it("is over at once for a context that was cancelled before", async () => {
    const context = callContext();
    context.cancel(stop);
    const ends: unknown[] = [];
    await assert.rejects(read(watchStream(numbers().stream, (e) => void ends.push(e), context)), stop);
    assert.deepEqual(ends, [stop]);
  });

  it("can be read once", () => {
    const stream = readOnce(numbers().stream[Symbol.asyncIterator]() as AsyncIterator<number, void>);
    stream[Symbol.asyncIterator]();
    assert.throws(() => stream[Symbol.asyncIterator](), /only once/);
  });
});

describe("a deferred stream", () => {
  it("opens at the first read", async () => {
    let opened = 0;
    const stream = deferredStream(
      async () => {
        opened++;
        return numbers({ count: 2 }).stream;
      },
      () => assert.fail("not left"),
    );
    assert.equal(opened, 0);
    assert.deepEqual(await read(stream), [0, 1]);
    assert.equal(opened, 1);
  });

  it("opens nothing for a reader who leaves before", async () => {
    const stream = deferredStream(
      () => assert.fail("opened"),
      () => assert.fail("nothing to abandon"),
    );
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.return?.();
    assert.equal((await iterator.next()).done, true);
  });

  it("is abandoned and closed when the reader leaves while it opens", async () => {
    let abandoned = 0;
    const source = numbers();
    const opening = Promise.withResolvers<AsyncIterable<number>>();
    const iterator = deferredStream(
      () => opening.promise,
      () => abandoned++,
    )[Symbol.asyncIterator]();
    const first = iterator.next();
    await iterator.return?.();
    assert.equal(abandoned, 1);
    opening.resolve(source.stream);
    await first;
    await turns();
    assert.equal(source.closed(), true);
  });

  it("fails with the error of opening", async () => {
    const stream = deferredStream(
      () => Promise.reject(stop),
      () => undefined,
    );
    const iterator = stream[Symbol.asyncIterator]();
    await assert.rejects(iterator.next(), stop);
    assert.equal((await iterator.next()).done, true);
  });
});

describe("pumping", () => {
  it("pulls the next message only when the last one was taken", async () => {
    const source = numbers({ count: 5 });
    const taken: number[] = [];
    await pump(
      source.stream,
      async (n) => {
        await turns();
        taken.push(n);
        assert.equal(source.produced(), n + 1);
      },
      callContext(),
    );
    assert.deepEqual(taken, [0, 1, 2, 3, 4]);
  });

  it("closes the source when the writer fails or the call is cancelled while it writes", async () => {
    for (const how of ["fails", "cancelled"]) {
      const source = numbers();
      const context = callContext();
      const pumping = pump(
        source.stream,
        (n) => {
          if (n < 2) return;
          if (how === "fails") throw stop;
          queueMicrotask(() => context.cancel(stop));
          return new Promise<void>(() => undefined);
        },
        context,
      );
      await assert.rejects(pumping, stop);
      assert.equal(source.closed(), true, how);
    }
  });
});

describe("a pipe", () => {
  it("gives every message in order and never holds more than its limit for a writer that waits", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.boolean(),
        async (limit, pauses, fails) => {
          const { stream, ...end } = bound(limit);
          const writing = (async () => {
            for (const [i, pause] of pauses.entries()) {
              if (pause) await turns(3);
              if (!end.pipe.write(i)) await end.pipe.ready();
              assert.ok(end.pipe.buffered <= limit);
            }
            if (fails) end.pipe.fail(stop);
            else end.pipe.end();
          })();
          const seen: number[] = [];
          const reading = (async () => {
            for await (const n of stream) {
              seen.push(n);
              if (pauses[n]) await turns(4);
            }
          })();
          if (fails) await assert.rejects(reading, stop);
          else await reading;
          await writing;
          assert.deepEqual(seen, [...pauses.keys()]);
        },
      ),
    );
  });

  it("asks the writer to wait when full and tells it when half has been read", async () => {
    let room = 0;
    const made = pipe<number>({ limit: 4, onRoom: () => room++ });
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => made.write(n)),
      [true, true, true, false],
    );
    const iterator = made.stream[Symbol.asyncIterator]();
    await iterator.next();
    assert.equal(room, 0);
    await iterator.next();
    assert.equal(room, 1);
    await iterator.next();
    assert.equal(room, 1);
  });

  it("tells the writer that the reader has left, drops the rest and lets a waiting writer go", async () => {
    let left = 0;
    const made = pipe<number>({ limit: 1, onLeave: () => left++ });
    made.write(1);
    const waiting = made.ready();
    const iterator = made.stream[Symbol.asyncIterator]();
    await iterator.return?.();
    await iterator.return?.();
    await waiting;
    assert.deepEqual([left, made.closed, made.buffered, made.write(2)], [1, true, 0, false]);
    assert.equal((await iterator.next()).done, true);
  });

  it("ends every read that waits", async () => {
    const made = pipe<number>();
    const iterator = made.stream[Symbol.asyncIterator]();
    const reads = [iterator.next(), iterator.next(), iterator.next()];
    made.write(1);
    made.fail(stop);
    made.end();
    assert.deepEqual(await reads[0], { done: false, value: 1 });
    await assert.rejects(reads[1] as Promise<unknown>, stop);
    assert.equal((await reads[2])?.done, true);
  });

  function bound(limit: number) {
    const made = pipe<number>({ limit });
    return { stream: made.stream, pipe: made };
  }
});
