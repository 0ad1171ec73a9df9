import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CallContext,
  callContext,
  type Method,
  noMetadata,
  type Place,
  type Reply,
  receivedContext,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, SampleTopic, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { deadlineFilter } from "./deadline-filter.ts";

filterConformance({ name: "deadline", make: () => ({ subject: () => deadlineFilter }) });

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

interface Setting {
  readonly place?: Place;
  readonly method?: Method;
  readonly timeoutMs?: number;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The deadline a call has behind the filter. */
async function deadlineBehind(
  context: CallContext,
  { place = "call", method = Sample.methods.read, timeoutMs = 300, fields = {} }: Setting = {},
) {
  let seen = Number.NaN;
  const wrap = deadlineFilter.wrap(sampleSite({ place, method, policy: { timeoutMs, fields } }));
  await wrap?.(async ({ context }) => {
    seen = context.deadline;
    return reply;
  })(sampleCall(context, { method }));
  return seen;
}

describe("filter/deadline", () => {
  it("gives a call without a deadline that of the policy", async () => {
    const ports = virtualPorts();
    await ports.advance(1000);
    assert.equal(await deadlineBehind(callContext({}, ports)), 1300);
    assert.equal(await deadlineBehind(callContext({}, ports), { place: "provider" }), 1300);
  });

  it("lets a deadline stand that the caller has chosen, earlier or later", async () => {
    const ports = virtualPorts();
    assert.equal(await deadlineBehind(callContext({ timeoutMs: 5000 }, ports)), 5000);
    assert.equal(await deadlineBehind(callContext({ timeoutMs: 50 }, ports).with({ tenant: "t" })), 50);
  });

  it("shortens a deadline that was inherited, and never lengthens it", async () => {
    const ports = virtualPorts();
    const handling = (timeoutMs: number) => receivedContext(callContext({ timeoutMs }, ports));
    assert.equal(await deadlineBehind(handling(5000)), 300);
    assert.equal(await deadlineBehind(handling(50)), 50);
    assert.equal(await deadlineBehind(handling(5000).with({ timeoutMs: 2000 })), 2000);
  });

  it("takes the deadline a request brought along at the provider", async () => {
    const ports = virtualPorts();
    assert.equal(await deadlineBehind(callContext({ timeoutMs: 5000 }, ports), { place: "provider" }), 5000);
  });

  it("gives handlers of events a time of their own", async () => {
    const ports = virtualPorts();
    const at: Setting = { place: "provider", method: SampleTopic.method };
    assert.equal(await deadlineBehind(callContext({}, ports), at), 30_000);
    assert.equal(await deadlineBehind(callContext({}, ports), { ...at, fields: { handlingTimeoutMs: 70 } }), 70);
    assert.equal(
      await deadlineBehind(callContext({}, ports), { ...at, fields: { handlingTimeoutMs: 0 } }),
      Number.POSITIVE_INFINITY,
    );
    assert.equal(await deadlineBehind(callContext({}, ports), { ...at, place: "call" }), 300);
  });

  it("sets no limit where the policy says 0", async () => {
    assert.equal(await deadlineBehind(callContext({}, virtualPorts()), { timeoutMs: 0 }), Number.POSITIVE_INFINITY);
  });

  for (const [what, place, method] of [
    ["a handler", "provider", Sample.methods.read],
    ["the handler of an event", "provider", SampleTopic.method],
    ["a bus", "call", SampleTopic.method],
  ] as const) {
    it(`ends a call on time though ${what} does not react, and cancels the context`, async () => {
      const ports = virtualPorts();
      let below: CallContext | undefined;
      const policy = { timeoutMs: 100, fields: { handlingTimeoutMs: 100 } };
      const invoke = deadlineFilter.wrap(sampleSite({ place, method, policy }))?.(({ context }) => {
        below = context;
        return new Promise(() => undefined);
      });
      await assert.rejects(ports.settle(invoke?.(sampleCall(callContext({}, ports), { method })) as Promise<Reply>), {
        code: "DEADLINE_EXCEEDED",
      });
      assert.ok(ports.clock.now() >= 100 && ports.clock.now() <= 104, `at ${ports.clock.now()}`);
      assert.equal(below?.cancelled?.code, "DEADLINE_EXCEEDED");
    });
  }

  it("cuts off the stream of a handler that goes silent", async () => {
    const ports = virtualPorts();
    const method = Sample.methods.watch;
    const site = sampleSite({ place: "provider", method, policy: { timeoutMs: 100 } });
    const invoke = deadlineFilter.wrap(site)?.(async () => ({
      ...reply,
      response: (async function* () {
        yield 1;
        await new Promise(() => undefined);
      })(),
    }));
    const got = await ports.settle(invoke?.(sampleCall(callContext({}, ports), { method })) as Promise<Reply>);
    const messages = (got.response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    assert.equal((await ports.settle(messages.next())).value, 1);
    await assert.rejects(ports.settle(messages.next()), { code: "DEADLINE_EXCEEDED" });
  });

  it("does not begin what is too late already", async () => {
    const ports = virtualPorts();
    const context = callContext({ timeoutMs: 10 }, ports);
    await ports.advance(10);
    let begun = false;
    const invoke = deadlineFilter.wrap(sampleSite({ place: "provider" }))?.(async () => {
      begun = true;
      return reply;
    });
    await assert.rejects(invoke?.(sampleCall(context)) as Promise<Reply>, { code: "DEADLINE_EXCEEDED" });
    assert.equal(begun, false);
  });
});
