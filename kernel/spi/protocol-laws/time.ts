import assert from "node:assert/strict";
import { StatusError } from "../../call/status.ts";
import { eventually } from "../../testing/eventually.ts";
import { cutInTime } from "../../testing/in-time.ts";
import { emptyNote } from "../serializer.conformance.ts";
import { failure, law } from "./world.ts";

/** A rest the test does not wait for. */
const long = { ms: 60_000 };
/** Never ends, and does not listen. */
const deaf = { ms: -1 };
const endless = { count: 1_000_000_000, failAfter: 0, padding: 1000 };

const stop = () => new StatusError("CANCELLED", "stopped by the test");

/** What protocols make of deadlines and cancellation. */
export const timeLaws = [
  law("tells the handler what is left of the deadline", async ({ call }) => {
    const { remainingMs } = await call("whoami", {}, { timeoutMs: 30_000 });
    assert.ok(remainingMs !== undefined && remainingMs > 20_000 && remainingMs <= 30_005, `${remainingMs} ms`);
  }),
  law("tells the handler of no deadline where there is none", async ({ call }) => {
    assert.equal((await call("whoami", {})).remainingMs, undefined);
  }),
  law("carries a deadline of a month", async ({ call }) => {
    const { remainingMs } = await call("whoami", {}, { timeoutMs: 30 * 86_400_000 });
    assert.ok(remainingMs === undefined || remainingMs > 20 * 86_400_000, `${remainingMs} ms`);
  }),
  law("ends a call at its deadline, whatever the handler does", async ({ call }) => {
    const begun = performance.now();
    await failure(call("sleep", deaf, { timeoutMs: 60 }), "DEADLINE_EXCEEDED");
    const took = performance.now() - begun;
    assert.ok(took >= 59 && took < 20_000, `${took} ms`);
  }),
  law("ends a stream at its deadline, whatever the handler does", async ({ stream, events }) => {
    const read = async (timeoutMs: number) => {
      for await (const _ of stream("count", endless, { timeoutMs }));
    };
    const reached = () => events.produced > 0;
    await cutInTime(100, (timeoutMs) => failure(read(timeoutMs), "DEADLINE_EXCEEDED"), reached);
    await eventually(() => events.finished > 0);
  }),
  law("cancels the handler at the deadline", async ({ call, events }) => {
    const heard = () => events.cancelled.map(({ code }) => code);
    // The caller gives up earlier by as long as the call is on its way, and its word may be there first: not every time.
    for (let timeoutMs = 200; !heard().includes("DEADLINE_EXCEEDED"); timeoutMs += 200) {
      assert.ok(timeoutMs <= 4000, `the handler heard ${heard()}`);
      await failure(call("sleep", long, { timeoutMs }), "DEADLINE_EXCEEDED");
      await eventually(() => events.cancelled.length === events.begun);
    }
    assert.ok(heard().every((code) => code === "DEADLINE_EXCEEDED" || code === "CANCELLED"));
  }),
  law("begins no call whose deadline has passed", async ({ call, events }) => {
    await failure(call("echo", emptyNote, { timeoutMs: 0 }), "DEADLINE_EXCEEDED");
    await call("echo", emptyNote);
    assert.equal(events.begun, 1);
  }),
  law("cancels the handler of a unary call", async ({ call, events }) => {
    const caller = new AbortController();
    const answer = failure(call("sleep", long, { signal: caller.signal }), "CANCELLED");
    await eventually(() => events.begun === 1);
    caller.abort(stop());
    assert.equal((await answer).message, "stopped by the test");
    const reason = await eventually(() => events.cancelled[0]);
    assert.equal(reason.code, "CANCELLED");
  }),
  law("begins no call that is cancelled already", async ({ call, events }) => {
    await failure(call("echo", emptyNote, { signal: AbortSignal.abort(stop()) }), "CANCELLED");
    await call("echo", emptyNote);
    assert.equal(events.begun, 1);
  }),
  law("cancels the handler of a stream", async ({ stream, events }) => {
    const caller = new AbortController();
    const read = async () => {
      for await (const { number } of stream("count", endless, { signal: caller.signal })) {
        if (number === 10) caller.abort(stop());
      }
    };
    await failure(read(), "CANCELLED");
    await eventually(() => events.finished === 1 && events.cancelled.length === 1);
  }),
  law("ends the handler's stream when the reader leaves", async ({ stream, events }) => {
    for await (const { number } of stream("count", endless)) if (number === 10) break;
    await eventually(() => events.finished === 1);
  }),
  law("ends the caller's stream when the call is cancelled, and the handler's reading of it", async (world) => {
    const caller = new AbortController();
    let closed = false;
    async function* numbers() {
      try {
        for (let number = 1; ; number++) yield { number, padding: new Uint8Array(100) };
      } finally {
        closed = true;
      }
    }
    const answer = failure(world.call("sum", numbers(), { signal: caller.signal }), "CANCELLED");
    await Promise.race([eventually(() => world.events.read > 10), answer]);
    caller.abort(stop());
    await answer;
    await eventually(() => closed && world.events.finished === 1);
  }),
  law("leaves calls that are over alone when their context is cancelled later", async ({ call, events }) => {
    const caller = new AbortController();
    await call("echo", emptyNote, { signal: caller.signal });
    caller.abort(stop());
    await call("echo", emptyNote);
    assert.deepEqual(events.cancelled, []);
  }),
];
