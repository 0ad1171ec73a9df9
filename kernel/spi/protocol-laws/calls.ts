import assert from "node:assert/strict";
import type { EchoNote } from "../../testing/echo-contract.ts";
import { pattern } from "../../testing/echo-service.ts";
import { eventually } from "../../testing/eventually.ts";
import { emptyNote, fullNote, sameMessage } from "../serializer.conformance.ts";
import { all, failure, law } from "./world.ts";

const counted = (number: number) => ({ number, padding: new Uint8Array() });

async function* countedTo(last: number) {
  for (let number = 1; number <= last; number++) yield counted(number);
}

const note = (text: string): EchoNote => ({ ...emptyNote, text });

/** What protocols carry: calls of all four kinds, of any size, many at once. */
export const callLaws = [
  law("answers a unary call", async ({ call }) => {
    sameMessage(await call("echo", fullNote), fullNote);
    sameMessage(await call("echo", emptyNote), emptyNote);
  }),
  law("carries a stream from the server, in order and complete", async ({ stream, events }) => {
    const numbers = await all(stream("count", { count: 1000, failAfter: 0, padding: 10 }));
    assert.deepEqual(
      numbers.map(({ number }) => number),
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    await eventually(() => events.finished === 1);
  }),
  law("carries a stream of nothing from the server", async ({ stream }) => {
    assert.deepEqual(await all(stream("count", { count: 0, failAfter: 0, padding: 0 })), []);
  }),
  law("carries a stream to the server, in order and complete", async ({ call }) => {
    assert.deepEqual(await call("sum", countedTo(1000)), { total: 500_500n, count: 1000 });
  }),
  law("carries a stream of nothing to the server", async ({ call }) => {
    assert.deepEqual(await call("sum", countedTo(0)), { total: 0n, count: 0 });
  }),
  law("carries streams both ways", async ({ stream }) => {
    async function* texts() {
      for (let i = 0; i < 500; i++) yield note(`${i}`);
    }
    const answers = await all(stream("chat", texts()));
    assert.deepEqual(
      answers.map(({ text }) => text),
      Array.from({ length: 500 }, (_, i) => `${i}`),
    );
  }),
  law("delivers each message of a conversation before the next one is said", async ({ stream }) => {
    let answered: (text: string) => void = () => undefined;
    async function* questions() {
      let said = "";
      for (let i = 0; i < 20; i++) {
        const answer = new Promise<string>((resolve) => {
          answered = resolve;
        });
        yield note(`${said}${i}`);
        said = await answer;
      }
    }
    let last = "";
    for await (const { text } of stream("chat", questions())) {
      last = text;
      answered(text);
    }
    assert.equal(last, "012345678910111213141516171819");
  }),
  law("carries 4 MiB to the server and from it", async ({ call }) => {
    const data = pattern(4 * 1024 * 1024);
    assert.deepEqual(await call("upload", { data }), { size: data.length });
    const { data: received } = await call("bytes", { size: data.length });
    assert.ok(Buffer.from(data).equals(received));
  }),
  law("keeps 1,000 calls at the same time apart", async ({ call, events }) => {
    const texts = Array.from({ length: 1000 }, (_, i) => `call ${i}`);
    const answers = await Promise.all(texts.map((text) => call("echo", note(text))));
    assert.deepEqual(
      answers.map(({ text }) => text),
      texts,
    );
    assert.equal(events.begun, 1000);
  }),
  law("keeps 50 streams at the same time apart", async ({ stream }) => {
    const lengths = Array.from({ length: 50 }, (_, i) => i * 3);
    const streams = lengths.map((count) => all(stream("count", { count, failAfter: 0, padding: 100 })));
    assert.deepEqual(
      (await Promise.all(streams)).map((numbers) => numbers.length),
      lengths,
    );
  }),
  law("tells the server when the caller's stream fails, and the caller too", async ({ call, events }) => {
    async function* broken() {
      yield counted(1);
      await eventually(() => events.read === 1);
      throw new Error("no more numbers");
    }
    const error = await failure(call("sum", broken()), "CANCELLED");
    assert.match(error.message, /no more numbers/);
    await eventually(() => events.finished === 1 && events.cancelled.length === 1);
  }),
];
