import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, it } from "node:test";
import {
  type CallContext,
  callContext,
  chain,
  type Invoker,
  type Method,
  noMetadata,
  type Place,
  type Reply,
  receivedContext,
  StatusError,
  type TraceBridge,
  type TraceContext,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import {
  keptSpans,
  Sample,
  SampleTopic,
  sampleCall,
  sampleInstance,
  sampleSite,
  virtualPorts,
} from "@mortise/kernel/testing";
import { peerAttributes } from "./attributes.ts";
import { tracingFilter } from "./tracing-filter.ts";

filterConformance({
  name: "tracing",
  make: () => ({
    subject(ports) {
      const tracer = keptSpans(ports);
      return tracingFilter({ tracer: () => tracer, bridge: () => undefined, clock: ports.clock });
    },
  }),
});

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };
const remote: TraceContext = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "v=1" };

/** A process with the filter in all places. */
function traced(bridge?: TraceBridge) {
  const ports = virtualPorts();
  const tracer = keptSpans(ports);
  const filter = tracingFilter({ tracer: () => tracer, bridge: () => bridge, clock: ports.clock });
  const at = (place: Place, end: Invoker, method: Method = Sample.methods.read) =>
    filter.wrap(sampleSite({ place, method, app: "shop" }))?.(end) ?? end;
  return {
    ports,
    at,
    spans: tracer.spans,
    root: callContext({}, ports),
    call: (context: CallContext, method: Method = Sample.methods.read) => sampleCall(context, { method }),
  };
}

/** The provider of a call, reached as over a wire. */
const over =
  (provider: Invoker): Invoker =>
  (call) =>
    provider({ ...call, context: receivedContext(call.context) });

describe("filter/tracing", () => {
  it("makes a span of a call and one below it of the handled request", async () => {
    const { ports, at, spans, root, call } = traced();
    const provider = at("provider", async () => {
      await ports.timers.sleep(20);
      return reply;
    });
    const attempt = at("attempt", over(provider));
    const instance = sampleInstance("1", { address: "10.0.0.7:50051", protocol: "grpc" });
    await ports.settle(at("call", (one) => attempt({ ...one, instance }))(call(root)));
    const [server, client] = spans;
    assert.ok(server && client && spans.length === 2);
    assert.deepEqual(
      [client, server].map(({ name, kind, service, code, durationMs }) => ({ name, kind, service, code, durationMs })),
      [
        { name: "mortise.sample.v1.Sample/Read", kind: "client", service: "shop", code: "OK", durationMs: 20 },
        {
          name: "mortise.sample.v1.Sample/Read",
          kind: "server",
          service: "mortise.sample.v1.Sample",
          code: "OK",
          durationMs: 20,
        },
      ],
    );
    assert.equal(client.parentSpanId, "");
    assert.equal(server.parentSpanId, client.trace.spanId);
    assert.equal(server.trace.traceId, client.trace.traceId);
    assert.deepEqual(client.attributes, {
      "rpc.method": "mortise.sample.v1.Sample/Read",
      "rpc.system.name": "grpc",
      "server.address": "10.0.0.7",
      "server.port": 50051,
    });
    assert.deepEqual(server.attributes, { "rpc.method": "mortise.sample.v1.Sample/Read" });
  });

  it("names the service being handled as the one that makes the nested call", async () => {
    const { at, spans, root, call } = traced();
    const nested = at("call", async () => reply, Sample.methods.write);
    const provider = at("provider", (one) => nested(call(one.context, Sample.methods.write)));
    await provider(call(root.with({ trace: remote })));
    const [client, server] = spans;
    assert.deepEqual(
      [client?.kind, client?.service, client?.parentSpanId],
      ["client", "mortise.sample.v1.Sample", server?.trace.spanId],
    );
    assert.deepEqual(
      [server?.trace.traceId, server?.parentSpanId, server?.trace.state],
      [remote.traceId, remote.spanId, "v=1"],
    );
  });

  it("names the service a trace was begun for, where that is not a request being handled", async () => {
    const { at, spans, root, call } = traced();
    await at("call", async () => reply)(call(root.with({ trace: { ...remote, service: "gateway" } })));
    assert.deepEqual([spans[0]?.service, spans[0]?.parentSpanId], ["gateway", remote.spanId]);
  });

  it("gives each attempt a span of its own once there are two, and the server's hang below theirs", async () => {
    const { ports, at, spans, root, call } = traced();
    let number = 0;
    const provider = at("provider", async () => {
      await ports.timers.sleep(10);
      if (number++ < 2) throw new StatusError("UNAVAILABLE", `down ${number}`);
      return reply;
    });
    const attempt = at("attempt", over(provider));
    const failover: Invoker = async (one) => {
      for (const id of ["1", "2"]) {
        await attempt({ ...one, instance: sampleInstance(id) }).catch(() => ports.timers.sleep(5));
      }
      return attempt({ ...one, instance: sampleInstance("3") });
    };
    await ports.settle(at("call", failover)(call(root)));
    const logical = spans.at(-1);
    const attempts = spans.filter(({ attributes }) => attributes["mortise.attempt"]);
    const servers = spans.filter(({ kind }) => kind === "server");
    assert.deepEqual(
      attempts.map(({ attributes, code, message, startMs, durationMs, parentSpanId }) => ({
        number: attributes["mortise.attempt"],
        port: attributes["server.port"],
        code,
        message,
        at: startMs - (logical?.startMs ?? 0),
        durationMs,
        below: parentSpanId === logical?.trace.spanId,
      })),
      [
        { number: 1, port: 1, code: "UNAVAILABLE", message: "down 1", at: 0, durationMs: 10, below: true },
        { number: 2, port: 2, code: "UNAVAILABLE", message: "down 2", at: 15, durationMs: 10, below: true },
        { number: 3, port: 3, code: "OK", message: "", at: 30, durationMs: 10, below: true },
      ],
    );
    assert.deepEqual(
      servers.map(({ parentSpanId }) => parentSpanId),
      [logical?.trace.spanId, attempts[1]?.trace.spanId, attempts[2]?.trace.spanId],
    );
  });

  it("ends the span of a first attempt that runs beside others when it is over", async () => {
    const { ports, at, spans, root, call } = traced();
    let number = 0;
    const attempt = at("attempt", async () => {
      await ports.timers.sleep(number++ === 0 ? 50 : 10);
      return reply;
    });
    const forking: Invoker = async (one) => {
      const [first, second] = [attempt(one), attempt(one)];
      await second;
      return first;
    };
    await ports.settle(at("call", forking)(call(root)));
    assert.deepEqual(
      spans.map(({ attributes, durationMs }) => [attributes["mortise.attempt"], durationMs]),
      [
        [2, 10],
        [1, 50],
        [undefined, 50],
      ],
    );
  });

  it("ends with the status of the error", async () => {
    const { at, spans, root, call } = traced();
    await assert.rejects(at("call", () => Promise.reject(new StatusError("NOT_FOUND", "no such order")))(call(root)));
    await assert.rejects(at("provider", () => Promise.reject(new TypeError("a bug")))(call(root)));
    assert.deepEqual(
      spans.map(({ code, message }) => [code, message]),
      [
        ["NOT_FOUND", "no such order"],
        ["INTERNAL", "a bug"],
      ],
    );
  });

  it("ends the span of a stream with its last message", async () => {
    const { ports, at, spans, root, call } = traced();
    const method = Sample.methods.watch;
    const end: Invoker = async () => ({
      ...reply,
      response: (async function* () {
        yield 1;
        await ports.timers.sleep(30);
      })(),
    });
    const { response } = await at("provider", end, method)(call(root, method));
    assert.equal(spans.length, 0);
    const read = async () => {
      for await (const one of response as AsyncIterable<unknown>) assert.equal(one, 1);
    };
    await ports.settle(read());
    assert.deepEqual(
      spans.map(({ code, durationMs }) => [code, durationMs]),
      [["OK", 30]],
    );
  });

  it("makes spans of events by the conventions of messaging", async () => {
    const { at, spans, root, call } = traced();
    const { method } = SampleTopic;
    const consumer = at("provider", async () => reply, method);
    await at("call", over(consumer), method)(call(root, method));
    const topic = "mortise.sample.v1.Happened";
    assert.deepEqual(
      spans.map(({ name, kind, attributes }) => ({ name, kind, attributes })),
      [
        ["process", "consumer"],
        ["send", "producer"],
      ].map(([operation, kind]) => ({
        name: `${operation} ${topic}`,
        kind,
        attributes: {
          "messaging.destination.name": topic,
          "messaging.operation.name": operation,
          "messaging.operation.type": operation,
        },
      })),
    );
  });

  it("records nothing of a trace that is not sampled and leaves its position alone", async () => {
    const { at, spans, root, call } = traced();
    const trace = { ...remote, sampled: false };
    const given = call(root.with({ trace }));
    const seen: unknown[] = [];
    const end: Invoker = async (one) => {
      seen.push(one);
      return reply;
    };
    for (const place of ["call", "attempt", "provider"] as const) await at(place, end)(given);
    assert.deepEqual([spans.length, seen.length], [0, 3]);
    assert.ok(seen.every((one) => one === given));
  });
});

/** A bridge to a foreign API of three lines: its spans are trace contexts in an AsyncLocalStorage. */
function foreignApi() {
  const storage = new AsyncLocalStorage<{ readonly trace: TraceContext; readonly foreign: boolean }>();
  const bridge: TraceBridge = {
    active() {
      const store = storage.getStore();
      return store?.foreign ? store.trace : undefined;
    },
    run: (trace, _service, work) => storage.run({ trace, foreign: false }, work),
  };
  return {
    bridge,
    parent: () => storage.getStore()?.trace,
    span: <T>(trace: TraceContext, work: () => T) => storage.run({ trace, foreign: true }, work),
  };
}

describe("filter/tracing with a foreign tracing API", () => {
  it("shows it our span while a request is handled, also while a stream is read", async () => {
    const { bridge, parent } = foreignApi();
    const { at, spans, root, call } = traced(bridge);
    const method = Sample.methods.watch;
    const seen: (TraceContext | undefined)[] = [];
    const end: Invoker = async () => {
      seen.push(parent());
      return {
        ...reply,
        response: (async function* () {
          seen.push(parent());
          yield 1;
          seen.push(parent());
        })(),
      };
    };
    const { response } = await at("provider", end, method)(call(root, method));
    for await (const one of response as AsyncIterable<unknown>) assert.equal(one, 1);
    assert.deepEqual(
      seen.map((trace) => trace?.spanId),
      Array(3).fill(spans[0]?.trace.spanId),
    );
  });

  it("hangs a call below a foreign span of the same trace, or of any trace if the call has none", async () => {
    const { bridge, span } = foreignApi();
    const { at, spans, root, call } = traced(bridge);
    const invoke = at("call", async () => reply);
    const foreign = { ...remote, spanId: "f".repeat(16) };
    await span(foreign, () => invoke(call(root)));
    await span(foreign, () => invoke(call(root.with({ trace: remote }))));
    await span({ ...foreign, traceId: "c".repeat(32) }, () => invoke(call(root.with({ trace: remote }))));
    assert.deepEqual(
      spans.map(({ parentSpanId }) => parentSpanId),
      [foreign.spanId, foreign.spanId, remote.spanId],
    );
  });
});

it("takes an address apart, of either internet protocol and of none", () => {
  const attributesOf = peerAttributes({});
  const peer = (address: string) => attributesOf(sampleInstance("a", { address, protocol: "p" }));
  assert.deepEqual(peer("127.0.0.1:80"), { "rpc.system.name": "p", "server.address": "127.0.0.1", "server.port": 80 });
  assert.deepEqual(peer("[::1]:80"), { "rpc.system.name": "p", "server.address": "::1", "server.port": 80 });
  assert.deepEqual(peer("inproc"), { "rpc.system.name": "p", "server.address": "inproc" });
});

it("stands in a chain with others", async () => {
  const { at, root, call, spans } = traced();
  const order: string[] = [];
  const note = (name: string) => (next: Invoker) => (one: Parameters<Invoker>[0]) => {
    order.push(name);
    return next(one);
  };
  await chain([note("before"), (next) => at("call", next), note("after")], async () => reply)(call(root));
  assert.deepEqual([order, spans.length], [["before", "after"], 1]);
});
