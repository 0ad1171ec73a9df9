import assert from "node:assert/strict";
import { Bytes, Echo } from "../../testing/echo-contract.ts";
import { pattern } from "../../testing/echo-service.ts";
import { eventually } from "../../testing/eventually.ts";
import { emptyNote } from "../serializer.conformance.ts";
import type { Serializer } from "../serializer.ts";
import { failure, law } from "./world.ts";

const limit = 65_536;

/** Bytes that fit into a message of the longest kind, whatever the serializer makes of them. */
function fitting(serializer: Serializer): number {
  const size = 1000;
  const written = serializer.codec(Bytes).encode({ data: pattern(size) }).length;
  return Math.floor(((limit - 100) * size) / Math.max(size, written));
}

/** What may be under way of a stream nobody reads: buffers of the sender, the network and the reader together. */
const maxUnderWay = 4 * 1024 * 1024;
const padding = 4096;

/** Waits until a number has stopped to change. */
async function settled(count: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  await eventually(() => {
    same = count() === last ? same + 1 : 0;
    last = count();
    return same > 40;
  }, 20_000);
  return last;
}

/** How protocols keep within bounds. */
export const flowLaws = [
  law("lets a server produce no more than a slow reader takes", async ({ stream, events }) => {
    const numbers = stream("count", { count: 100_000, failAfter: 0, padding });
    for (let i = 0; i < 10; i++) await numbers.next();
    const produced = await settled(() => events.produced);
    assert.ok(produced * padding < maxUnderWay, `${produced} messages were produced for a reader of 10`);
    for (let i = 0; i < 2000; i++) assert.equal((await numbers.next()).done, false);
    assert.ok(events.produced >= 2010);
    await numbers.return();
    await eventually(() => events.finished === 1);
  }),
  law(
    "lets a caller produce no more than a slow handler takes",
    async ({ call, events }) => {
      let produced = 0;
      async function* numbers() {
        for (; produced < 100_000; produced++) yield { number: 1, padding: new Uint8Array(padding) };
      }
      const caller = new AbortController();
      const answer = failure(call("sum", numbers(), { signal: caller.signal }), "CANCELLED");
      await Promise.race([eventually(() => events.read >= 10), answer]);
      await settled(() => produced);
      assert.ok(produced * padding < maxUnderWay, `${produced} messages were produced for a handler that read 10`);
      caller.abort();
      await answer;
    },
    { stallAfter: 10 },
  ),
  law(
    "refuses a request longer than the limit with RESOURCE_EXHAUSTED, and names the limit",
    async ({ call, events, serializer }) => {
      const error = await failure(call("upload", { data: pattern(limit + 1) }), "RESOURCE_EXHAUSTED");
      assert.match(error.message, new RegExp(`${limit}`));
      assert.equal(events.begun, 0);
      const size = fitting(serializer);
      assert.deepEqual(await call("upload", { data: pattern(size) }), { size });
    },
    { maxMessageBytes: limit },
  ),
  law(
    "answers RESOURCE_EXHAUSTED instead of a response longer than the limit, and names the limit",
    async ({ call, serializer }) => {
      const error = await failure(call("bytes", { size: limit + 1 }), "RESOURCE_EXHAUSTED");
      assert.match(error.message, new RegExp(`${limit}`));
      const size = fitting(serializer);
      assert.equal((await call("bytes", { size })).data.length, size);
    },
    { maxMessageBytes: limit },
  ),
  law(
    "ends a stream at a message longer than the limit",
    async ({ call, stream }) => {
      async function* numbers() {
        yield { number: 1, padding: new Uint8Array() };
        yield { number: 2, padding: new Uint8Array(limit + 1) };
      }
      await failure(call("sum", numbers()), "RESOURCE_EXHAUSTED");
      const numbersBack = stream("count", { count: 3, failAfter: 0, padding: limit + 1 });
      await failure(numbersBack.next(), "RESOURCE_EXHAUSTED");
    },
    { maxMessageBytes: limit },
  ),
  law("answers calls while another one sleeps and a stream waits to be read", async ({ call, stream, invoke }) => {
    const caller = new AbortController();
    const sleeping = failure(call("sleep", { ms: 60_000 }, { signal: caller.signal }), "CANCELLED");
    const numbers = stream("count", { count: 100_000, failAfter: 0, padding: 1000 });
    await numbers.next();
    for (let i = 0; i < 100; i++) await invoke(Echo.methods.echo, emptyNote);
    await numbers.return();
    caller.abort();
    await sleeping;
  }),
];
