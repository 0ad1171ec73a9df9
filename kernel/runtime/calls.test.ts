import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "../call/call-context.ts";
import type { Context } from "../call/context.ts";
import { StatusError } from "../call/status.ts";
import type { Plugin } from "../core/plugin.ts";
import { defineService } from "../spi/define-service.ts";
import { protocol } from "../spi/protocol.ts";
import { type Client, client } from "../spi/runtime.ts";
import { memoryProtocol } from "../testing/app/memory-protocol.ts";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { eventually } from "../testing/eventually.ts";
import { cutInTime } from "../testing/in-time.ts";
import { Sample } from "../testing/samples.ts";
import { echoService, given, surroundings, testApp } from "../testing/test-app.ts";

type EchoClient = Client<typeof Echo>;

/** A service that calls the test service for every request, with the context of that request. */
const outer: Plugin = defineService(Sample, {
  name: "outer",
  description: "Calls another service",
  needs: { echo: client(Echo) },
  setup: ({ deps }) => ({ handlers: outerHandlers(deps.echo) }),
});

function outerHandlers(echo: EchoClient) {
  return {
    read: async (_: unknown, call: Context) => ({ text: JSON.stringify(await seenBy(echo, call)) }),
    write: async ({ number }: { readonly number: number }, call: Context) => {
      await echo.sleep({ ms: number }, call);
      return { text: "slept" };
    },
    async *watch({ number }: { readonly number: number }, call: Context) {
      for await (const one of echo.count({ count: number, failAfter: 0, padding: 0 }, call))
        yield { text: `${one.number}` };
    },
    async load(numbers: AsyncIterable<{ readonly number: number }>, call: Context) {
      const { total } = await echo.sum(counted(numbers), call);
      return { text: `${total}` };
    },
    async *chat(requests: AsyncIterable<unknown>) {
      for await (const _ of requests) yield { text: "" };
    },
  };
}

async function* counted(numbers: AsyncIterable<{ readonly number: number }>) {
  for await (const { number } of numbers) yield { number, padding: new Uint8Array() };
}

async function seenBy(echo: EchoClient, call: Context) {
  const { remainingMs, traceId, tenant, baggage, idempotencyKey, metadata } = await echo.whoami({}, call);
  const names = metadata.map(({ name }) => name);
  return { remainingMs, traceId, tenant, baggage: Object.fromEntries(baggage), idempotencyKey, names };
}

describe("a call made for a request", () => {
  it("has what is left of its deadline, its trace, tenant and baggage, and none of its headers", async () => {
    await using app = await testApp({ plugins: [outer, echoService()] });
    const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };
    const context = callContext({
      timeoutMs: 20_000,
      trace,
      tenant: "t",
      baggage: { k: "v" },
      idempotencyKey: "i",
      metadata: { mine: "1" },
    });
    const seen = JSON.parse((await app.clients.client(Sample).read({ key: "", number: 0 }, context)).text);
    assert.ok(seen.remainingMs > 0 && seen.remainingMs <= 20_000, `${seen.remainingMs} ms left`);
    delete seen.remainingMs;
    assert.deepEqual(seen, { traceId: trace.traceId, tenant: "t", baggage: { k: "v" }, idempotencyKey: "", names: [] });
  });

  it("ends at the deadline of the request, and its handler hears of it", async () => {
    const events = echoEvents();
    await using app = await testApp({ plugins: [outer, echoService(events)] });
    const write = async (timeoutMs: number) => {
      const late = app.clients.client(Sample).write({ key: "", number: 60_000 }, callContext({ timeoutMs }));
      await assert.rejects(late, { code: "DEADLINE_EXCEEDED" });
    };
    await cutInTime(60, write, () => events.begun > 0);
    await eventually(() => events.cancelled.length === 1);
    assert.equal(events.cancelled[0]?.code, "DEADLINE_EXCEEDED");
  });

  it("is cancelled with the request, streams too", async () => {
    const events = echoEvents();
    await using app = await testApp({ plugins: [outer, echoService(events)] });
    const sample = app.clients.client(Sample);
    const context = callContext();
    const writing = sample.write({ key: "", number: 60_000 }, context);
    await eventually(() => events.begun === 1);
    context.cancel(new StatusError("CANCELLED", "enough"));
    await assert.rejects(writing, { code: "CANCELLED" });
    await eventually(() => events.cancelled.length === 1);

    for await (const { text } of sample.watch({ key: "", number: 1e9 })) if (text === "3") break;
    await eventually(() => events.finished === 1);
    assert.ok(events.produced < 100, "the innermost handler was not read further than its reader asked for");
  });

  it("never reads further ahead than its slow reader, through two services", async () => {
    const events = echoEvents();
    await using app = await testApp({ plugins: [outer, echoService(events)] });
    let read = 0;
    let most = 0;
    for await (const _ of app.clients.client(Sample).watch({ key: "", number: 200 })) {
      read++;
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, events.produced - read);
    }
    assert.equal(read, 200);
    assert.ok(most <= 4, `${most} messages were made before they were asked for`);
  });

  it("pulls the requests of its caller no faster than they are handled", async () => {
    const events = echoEvents();
    await using app = await testApp({ plugins: [outer, echoService(events)] });
    let sent = 0;
    let most = 0;
    async function* numbers() {
      for (let number = 1; number <= 200; number++) {
        sent++;
        most = Math.max(most, sent - events.read);
        yield { key: "", number };
      }
    }
    assert.equal((await app.clients.client(Sample).load(numbers())).text, "20100");
    assert.ok(most <= 4, `${most} messages were under way`);
  });
});

describe("a call of a service that nobody serves", () => {
  it("waits for its first instance as long as its deadline allows", async () => {
    await using app = await testApp();
    const echo = app.clients.client(Echo);
    const calling = echo.bytes({ size: 1 }, callContext({ timeoutMs: 20_000 }));
    await using other = await testApp({ around: app.around, plugins: [echoService()] });
    assert.equal((await calling).data.length, 1);
    assert.ok(other);
  });

  it("ends with UNAVAILABLE and what was looked for, before its deadline passes", async () => {
    await using app = await testApp();
    const calling = app.clients.client(Echo).bytes({ size: 1 }, callContext({ timeoutMs: 1000 }));
    await assert.rejects(calling, {
      code: "UNAVAILABLE",
      reason: "NO_INSTANCE",
      neverSent: true,
      message: /^no instance of mortise\.testing\.v1\.Echo can be reached over memory; none is known\. Does it run/,
    });
  });

  it("says so when its instances speak something else", async () => {
    await using app = await testApp({ use: { protocol: ["other"] } });
    await using server = await testApp({ around: app.around, plugins: [echoService()] });
    const calling = app.clients.client(Echo).bytes({ size: 1 }, callContext({ timeoutMs: 1000 }));
    await assert.rejects(calling, /can be reached over other; its instances speak memory/);
    assert.ok(server);
  });

  it("ends at once when it is cancelled while it waits", async () => {
    await using app = await testApp();
    const context = callContext();
    const calling = app.clients.client(Echo).bytes({ size: 1 }, context);
    context.cancel(new StatusError("CANCELLED", "enough"));
    await assert.rejects(calling, { code: "CANCELLED" });
  });
});

describe("the protocol of a call", () => {
  it("is the first selected that reaches an instance, or the one its policy names", async () => {
    const over: string[] = [];
    const around = surroundings();
    const spying = (name: string, reaches = true) =>
      given(protocol, name, {
        ...memoryProtocol({ hub: around.hub, onCall: () => over.push(name) }),
        reaches: () => reaches,
      });
    const use = { protocol: ["near", "memory", "other"] };
    const plugins = [echoService(), spying("near", false), spying("memory"), spying("other")];
    await using app = await testApp({ around, use, plugins });
    await app.clients.client(Echo).bytes({ size: 1 });
    await app.become({ around, use, plugins, policies: { [Echo.name]: { protocol: "other" } } });
    await app.clients.client(Echo).bytes({ size: 1 });
    assert.deepEqual(over, ["memory", "other"]);
  });
});
