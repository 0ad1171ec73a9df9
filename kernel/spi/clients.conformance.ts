import assert from "node:assert/strict";
import { callContext } from "../call/call-context.ts";
import type { Metadata } from "../call/metadata.ts";
import { StatusError } from "../call/status.ts";
import type { Plugin } from "../core/plugin.ts";
import { conformance } from "../testing/conformance.ts";
import { Echo } from "../testing/echo-contract.ts";
import { type EchoEvents, echoEvents } from "../testing/echo-service.ts";
import { eventually } from "../testing/eventually.ts";
import { SampleTopic } from "../testing/samples.ts";
import { echoService, type TestApp, testApp } from "../testing/test-app.ts";
import type { Client } from "./runtime.ts";

interface Scene {
  readonly echo: Client<typeof Echo>;
  readonly events: EchoEvents;
  readonly app: TestApp;
}

const law = (law: string, check: (scene: Scene) => Promise<void>) => ({
  law,
  async check(plugin: Plugin) {
    const events = echoEvents();
    await using app = await testApp({ plugins: [plugin, echoService(events)], use: { clients: plugin.name } });
    await check({ echo: app.clients.client(Echo), events, app });
  },
});

const failing = { code: 9, message: "no", reason: "WHY", details: new Map([["a", "b"]]), bug: false };

async function* counted(count: number) {
  for (let number = 1; number <= count; number++) yield { number, padding: new Uint8Array() };
}

async function numbersOf(stream: AsyncIterable<{ readonly number: number }>, atMost = Number.POSITIVE_INFINITY) {
  const numbers: number[] = [];
  for await (const { number } of stream) {
    numbers.push(number);
    if (numbers.length === atMost) break;
  }
  return numbers;
}

/** What every maker of clients keeps to; its plugin is run in an app that serves the test service. */
export const clientsConformance = conformance<Plugin>("clients", [
  law("carries calls of every kind", async ({ echo }) => {
    assert.equal((await echo.bytes({ size: 3 })).data.length, 3);
    assert.deepEqual(await numbersOf(echo.count({ count: 3, failAfter: 0, padding: 0 })), [1, 2, 3]);
    assert.equal((await echo.sum(counted(4))).total, 10n);
    const notes: string[] = [];
    for await (const { text } of echo.chat(texts("a", "b"))) notes.push(text);
    assert.deepEqual(notes, ["a", "b"]);
  }),
  law("ends with the handler's status as it was, before or within a stream", async ({ echo }) => {
    const refused = {
      name: "StatusError",
      code: "FAILED_PRECONDITION",
      message: "no",
      reason: "WHY",
      details: { a: "b" },
    };
    await assert.rejects(echo.fail({ ...failing }), refused);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { number } of echo.count({ count: 9, failAfter: 2, padding: 0 })) seen.push(number);
    })();
    await assert.rejects(reading, { code: "FAILED_PRECONDITION" });
    assert.deepEqual(seen, [1, 2]);
  }),
  law("tells nothing of a handler's bug but an id", async ({ echo, app }) => {
    const error = await echo.fail({ ...failing, bug: true, message: "the password is 1234" }).catch((e: unknown) => e);
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, "INTERNAL");
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /1234/);
    assert.ok(app.log.lines.some(({ fields }) => fields.errorId === error.details.errorId));
  }),
  law("gives the reply's headers and trailers to whoever asked for them, also when it failed", async ({ echo }) => {
    const heard: [string, string | undefined][] = [];
    const context = callContext({
      metadata: { "x-one": "1" },
      onHeaders: (headers: Metadata) => heard.push(["headers", headers.get("x-one")]),
      onTrailers: (trailers: Metadata) => heard.push(["trailers", trailers.get("trailing-x-one")]),
    });
    await echo.echo(note("a"), context);
    for await (const _ of echo.chat(texts("a"), context));
    await assert.rejects(echo.fail({ ...failing }, context));
    assert.deepEqual(heard, [
      ["headers", "1"],
      ["trailers", "1"],
      ["headers", "1"],
      ["trailers", "1"],
      ["trailers", "1"],
    ]);
  }),
  law("begins nothing for a stream nobody reads, and ends what a reader leaves", async ({ echo, events }) => {
    echo.count({ count: 3, failAfter: 0, padding: 0 });
    assert.equal(events.begun, 0);
    assert.deepEqual(await numbersOf(echo.count({ count: 1e6, failAfter: 0, padding: 0 }), 2), [1, 2]);
    await eventually(() => events.finished === 1);
    assert.ok(events.produced < 100);
  }),
  law("lets a stream be read once", async ({ echo }) => {
    const stream = echo.count({ count: 1, failAfter: 0, padding: 0 });
    await numbersOf(stream);
    assert.throws(() => stream[Symbol.asyncIterator](), TypeError);
  }),
  law("refuses a request that is no stream where one is asked for", async ({ echo }) => {
    await assert.rejects(echo.sum({} as AsyncIterable<never>), { code: "INVALID_ARGUMENT" });
    await assert.rejects(numbersOf(echo.chat([] as never) as never), { code: "INVALID_ARGUMENT" });
  }),
  law("cancels the handler when the caller cancels", async ({ echo, events }) => {
    const context = callContext();
    const sleeping = echo.sleep({ ms: 60_000 }, context);
    await eventually(() => events.begun === 1);
    context.cancel(new StatusError("CANCELLED", "enough"));
    await assert.rejects(sleeping, { code: "CANCELLED" });
    await eventually(() => events.cancelled.length === 1);
  }),
  law("makes calls of an object that is no context fail, and nothing else", async ({ echo }) => {
    await assert.rejects(echo.bytes({ size: 1 }, {} as never), /not a context of Mortise/);
    assert.equal((await echo.bytes({ size: 1 })).data.length, 1);
  }),
  law("tells the contract of a service it has made a client of", async ({ app }) => {
    assert.equal(app.clients.contract(Echo.name), Echo);
    assert.equal(app.clients.contract("mortise.testing.v1.Unknown"), undefined);
  }),
  law("publishes an event with its id, key and context", async ({ app }) => {
    const publish = app.clients.publisher(SampleTopic);
    await publish({ key: "k", number: 7 }, callContext({ tenant: "t", baggage: { a: "b" } }), { id: "mine" });
    await publish({ key: "k", number: 8 });
    const [first, second] = app.around.bus.published;
    assert.equal(first?.id, "mine");
    assert.equal(first?.headers["mortise-tenant"], "t");
    assert.equal(first?.headers.baggage, "a=b");
    assert.ok(second?.id && second.id !== "mine");
  }),
]);

function note(text: string) {
  const empty = { number: 0n, share: 0, flag: false, data: new Uint8Array(), mood: 0, tags: [], labels: new Map() };
  return { ...empty, text };
}

async function* texts(...all: string[]) {
  for (const text of all) yield note(text);
}
