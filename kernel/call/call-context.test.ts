import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { background, backgroundOf, callContext, nodeOf } from "./call-context.ts";
import type { CallContext } from "./context.ts";
import { contextKey } from "./context.ts";
import { eventContext, receivedContext, sendingContext, serverContext } from "./server-context.ts";
import { StatusError } from "./status.ts";
import { deadlineWheel } from "./timer-wheel.ts";

const stop = new StatusError("CANCELLED", "stop");

describe("a context's deadline", () => {
  it("is the earlier of its own and its parent's", () => {
    const ports = virtualPorts();
    const parent = callContext({ timeoutMs: 100 }, ports);
    assert.equal(parent.deadline, 100);
    assert.equal(parent.with({ timeoutMs: 50 }).deadline, 50);
    assert.equal(parent.with({ timeoutMs: 500 }).deadline, 100);
    assert.equal(parent.with({ timeoutMs: 50 }, 20).deadline, 70);
    assert.equal(parent.with({ tenant: "a" }).deadline, 100);
    assert.equal(callContext({}, ports).deadline, Number.POSITIVE_INFINITY);
  });

  it("ends it and every child, for those who listen and those who look", async () => {
    const ports = virtualPorts();
    const parent = callContext({ timeoutMs: 100 }, ports);
    const child = parent.with({ timeoutMs: 1000 }).set(contextKey("k", 0), 1);
    const heard: string[] = [];
    child.onCancel((reason) => heard.push(reason.code));
    const signal = child.signal;
    const silent = callContext({ timeoutMs: 100 }, ports);
    const openStill = silent.cancelled;
    assert.equal(openStill, undefined);
    await ports.advance(120);
    assert.deepEqual(heard, ["DEADLINE_EXCEEDED"]);
    assert.equal(child.cancelled?.code, "DEADLINE_EXCEEDED");
    assert.equal(signal.reason, child.cancelled);
    assert.equal(parent.cancelled, child.cancelled);
    assert.equal(silent.cancelled?.code, "DEADLINE_EXCEEDED");
  });

  it("takes no place on the wheel unless somebody listens", () => {
    const ports = virtualPorts();
    const wheel = deadlineWheel(ports);
    const context = callContext({ timeoutMs: 100 }, ports).with({ timeoutMs: 10 }).with({ tenant: "t" });
    assert.equal(wheel.size, 0);
    const forget = [context.onCancel(() => undefined), context.onCancel(() => undefined)];
    assert.equal(wheel.size, 2, "one for each deadline on the way up");
    for (const end of forget) end();
    assert.equal(wheel.size, 0);
  });

  it("is known to be chosen here or inherited from the request being handled", () => {
    const request = callContext({ timeoutMs: 100 });
    const handler = serverContext(receivedContext(request));
    assert.deepEqual(
      [request, handler, handler.with({ tenant: "a" })].map(({ ownDeadline }) => ownDeadline),
      [true, false, false],
    );
    const chosen = handler.with({ timeoutMs: 50 }).set(contextKey("k", 0), 1);
    assert.deepEqual(
      [chosen, sendingContext(chosen.with({ tenant: "a" }))].map(({ ownDeadline }) => ownDeadline),
      [true, true],
    );
  });

  it("refuses a time-out that is no number of milliseconds", () => {
    assert.throws(() => callContext({ timeoutMs: Number.NaN }), /timeoutMs must be 0 or more milliseconds, not NaN/);
    assert.throws(() => callContext({ timeoutMs: -1 }), TypeError);
  });
});

describe("cancelling a context", () => {
  it("reaches all below and none above or beside, once", () => {
    const root = callContext();
    const [left, right] = [root.with({}), root.with({})];
    const below = left.with({ tenant: "x" }).with({});
    const heard: string[] = [];
    for (const [name, context] of Object.entries({ root, left, right, below })) {
      context.onCancel((reason) => heard.push(`${name} ${reason.message}`));
    }
    left.cancel(stop);
    left.cancel(new StatusError("CANCELLED", "again"));
    assert.deepEqual(heard.sort(), ["below stop", "left stop"]);
    assert.deepEqual(
      [root, left, right, below].map((c) => c.cancelled === stop),
      [false, true, false, true],
    );
  });

  it("tells a listener that comes late at once", () => {
    const context = callContext();
    context.cancel(stop);
    let heard = 0;
    context.with({}).onCancel(() => heard++);
    assert.equal(heard, 1);
    assert.equal(context.with({}).signal.aborted, true);
  });

  it("follows a standard signal, also one that was aborted before", async () => {
    const controller = new AbortController();
    const context = callContext({ signal: controller.signal });
    const child = context.with({});
    const reason = new Promise<StatusError>((resolve) => child.onCancel(resolve));
    controller.abort(new Error("enough"));
    assert.equal((await reason).code, "CANCELLED");
    assert.match(String((await reason).cause), /enough/);
    assert.equal(callContext({ signal: controller.signal }).cancelled?.code, "CANCELLED");
    assert.equal(callContext({ signal: AbortSignal.abort(stop) }).cancelled, stop);
    const timeout = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    assert.equal(callContext({ signal: timeout }).cancelled?.code, "DEADLINE_EXCEEDED");
  });

  it("goes on when a listener forgets others or throws", async () => {
    const context = callContext();
    const heard: number[] = [];
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
    const forget = [0, 1, 2].map((i) =>
      context.onCancel(() => {
        heard.push(i);
        if (i === 0) forget[1]?.();
        if (i === 0) throw new Error("listener's own");
      }),
    );
    context.cancel(stop);
    assert.deepEqual(heard, [0, 2]);
    assert.match(String(await uncaught), /listener's own/);
    for (const other of others) process.on("uncaughtException", other);
  });

  it("is refused for the background, which never ends", () => {
    assert.throws(() => background.cancel(stop), /the background context cannot be cancelled/);
    background.onCancel(() => assert.fail("never"))();
    assert.equal(background.signal.aborted, false);
  });

  it("reaches exactly the listeners at or below a cancelled context that have not left, whatever the tree", () => {
    interface Model {
      readonly context: CallContext;
      parent: Model | undefined;
      ended: boolean;
    }
    const ended = (model: Model | undefined): boolean => model !== undefined && (model.ended || ended(model.parent));
    const actions = ["child", "listen", "forget", "cancel", "detach"] as const;
    const step = fc.tuple(fc.constantFrom(...actions), fc.nat(30));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const models: [Model, ...Model[]] = [{ context: callContext(), parent: undefined, ended: false }];
        const listeners: { model: Model; heard: number; wanted: number; gone: boolean; forget: () => void }[] = [];
        for (const [action, number] of steps) {
          const model = models[number % models.length] ?? models[0];
          const listener = listeners[number % listeners.length];
          if (action === "child") models.push({ context: model.context.with({}), parent: model, ended: false });
          if (action === "listen") {
            const made = { model, heard: 0, wanted: ended(model) ? 1 : 0, gone: false, forget: () => {} };
            made.forget = model.context.onCancel(() => made.heard++);
            listeners.push(made);
          }
          if (action === "forget" && listener) {
            listener.forget();
            listener.gone = true;
          }
          if (action === "detach") {
            model.ended = ended(model); // what it has heard stays
            model.parent = undefined;
            model.context.detach();
          }
          if (action === "cancel") {
            model.ended = true;
            model.context.cancel(stop);
            for (const each of listeners) if (!each.gone && ended(each.model)) each.wanted = 1;
          }
          for (const { heard, wanted } of listeners) assert.equal(heard, wanted);
          for (const each of models) assert.equal(each.context.cancelled !== undefined, ended(each));
        }
      }),
    );
  });
});

describe("a detached context", () => {
  it("no longer hears of its parent and still keeps its deadline", async () => {
    const ports = virtualPorts();
    const parent = callContext({ timeoutMs: 100 }, ports);
    const child = parent.with({});
    const heard: string[] = [];
    child.onCancel(({ code }) => heard.push(code));
    child.detach();
    parent.cancel(stop);
    assert.deepEqual(heard, []);
    await ports.advance(120);
    assert.deepEqual(heard, ["DEADLINE_EXCEEDED"]);
  });
});

describe("a context whose work is over", () => {
  it("forgets its listeners and takes no place on the wheel, while its children go on", async () => {
    const ports = virtualPorts();
    const wheel = deadlineWheel(ports);
    const context = nodeOf(callContext({ timeoutMs: 100 }, ports));
    const { signal } = context;
    context.onCancel(() => assert.fail("forgotten"));
    context.forgetListeners();
    assert.equal(wheel.size, 0);
    const heard: string[] = [];
    context.with({}).onCancel(({ code }) => heard.push(code));
    context.onCancel(() => assert.fail("forgotten"));
    context.forgetListeners();
    await ports.advance(120);
    assert.deepEqual([heard, signal.aborted], [["DEADLINE_EXCEEDED"], false]);
  });
});

describe("a child context", () => {
  it("changes what it is told to and inherits the rest", () => {
    const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true, state: "" };
    const parent = callContext({
      tenant: "a",
      baggage: { k: "v" },
      metadata: { one: "1", two: "2" },
      idempotencyKey: "i",
    });
    const child = parent.with({
      trace,
      metadata: { two: "zwei", three: ["3", "drei"] },
      caller: { name: "me", claims: {} },
    });
    assert.equal(child.tenant, "a");
    assert.deepEqual(child.baggage, { k: "v" });
    assert.equal(child.idempotencyKey, "i");
    assert.equal(child.trace, trace);
    assert.equal(child.caller?.name, "me");
    assert.deepEqual([...child.outgoing.names()].sort(), ["one", "three", "two"]);
    assert.deepEqual(child.outgoing.getAll("two"), ["zwei"]);
    assert.deepEqual(parent.outgoing.getAll("two"), ["2"]);
    assert.equal(parent.trace, undefined);
  });

  it("keeps typed values of the process, the nearest wins", () => {
    const [a, b] = [contextKey("a", 0), contextKey<string>("b", "none")];
    const context = callContext().set(a, 1).set(b, "x").set(a, 2);
    assert.deepEqual([context.get(a), context.get(b), callContext().get(b)], [2, "x", "none"]);
    assert.equal(context.with({ tenant: "t" }).get(a), 2);
  });

  it("shares what it does not change", () => {
    const context = callContext({ tenant: "a" });
    assert.equal(nodeOf(context.with({ timeoutMs: 5 })).facts, nodeOf(context).facts);
  });
});

describe("the context on its way", () => {
  const key = contextKey("local", "none");
  const client = () =>
    callContext({
      metadata: { greeting: "hi" },
      tenant: "t",
      idempotencyKey: "once",
      onHeaders: () => assert.fail("handed on"),
      onTrailers: () => undefined,
    }).set(key, "mine");

  it("gives a server in the same process what one elsewhere would get, and cancels it with the call", () => {
    const sent = client();
    const received = receivedContext(sent);
    assert.equal(received.incoming.get("greeting"), "hi");
    assert.deepEqual([received.outgoing.names(), received.get(key), received.headersListener], [[], "none", undefined]);
    assert.deepEqual([received.tenant, received.idempotencyKey], ["t", "once"]);
    sent.cancel(stop);
    assert.equal(received.cancelled, stop);
  });

  it("gives calls made for a request its deadline and tenant, and not its headers or idempotency key", () => {
    const handler = serverContext(receivedContext(client()));
    assert.equal(handler.idempotencyKey, "once");
    const nested = sendingContext(handler);
    assert.deepEqual([nested.idempotencyKey, nested.tenant, nested.outgoing.names()], [undefined, "t", []]);
    assert.equal(sendingContext(handler.with({ idempotencyKey: "own" })).idempotencyKey, "own");
    assert.equal(receivedContext(handler).idempotencyKey, undefined);
    const plain = callContext({ idempotencyKey: "k" });
    assert.equal(sendingContext(plain), plain);
  });

  it("collects the headers and trailers of a handler", () => {
    const handler = serverContext(receivedContext(client()));
    assert.deepEqual(handler.headers().names(), []);
    handler.setHeader("a", "1");
    handler.setHeader("a", "2");
    handler.setTrailer("b-bin", new Uint8Array([1]));
    assert.deepEqual(handler.headers().getAll("a"), ["1", "2"]);
    assert.deepEqual(handler.trailers().getBytes("b-bin"), new Uint8Array([1]));
    assert.throws(() => handler.setHeader("Bad Name", "1"), TypeError);
    assert.throws(() => handler.setTrailer("text", new Uint8Array()), TypeError);
  });

  it("tells the handler of an event which one it is", () => {
    const event = eventContext(backgroundOf(virtualPorts()).with({ tenant: "t" }), "id-1", 3);
    assert.deepEqual([event.id, event.attempt, event.tenant], ["id-1", 3, "t"]);
  });

  it("refuses an object that is no context", () => {
    assert.throws(() => sendingContext({} as CallContext), /not a context of Mortise/);
  });
});
