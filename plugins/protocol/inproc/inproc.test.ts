import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CallContext,
  callContext,
  contextKey,
  type Invoker,
  type Method,
  noMetadata,
  type Reply,
  type Serializer,
  StatusError,
  systemPorts,
} from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { Sample, sampleCall, sampleInstance, silentLog } from "@mortise/kernel/testing";
import type { InprocHub } from "./hub.ts";
import { inproc, inprocProtocol } from "./inproc.ts";

const reason = "messages are handed over as they are; there are no bytes to be too long, wrong or in the wrong form";

protocolConformance({
  name: "inproc",
  make: () => {
    const hub: InprocHub = new Map();
    return { subject: { start: ({ at, log }) => inprocProtocol({ ports: systemPorts, log, hub, address: at }) } };
  },
  deviations: [
    "refuses a request that does not fit its type with INVALID_ARGUMENT",
    "answers INVALID_ARGUMENT to bytes that are no request",
    "answers INVALID_ARGUMENT to bytes that ask for no stream",
    "ends a stream with INVALID_ARGUMENT at bytes that are no message",
    "tells the caller INTERNAL when it cannot read the response",
    "answers INTERNAL when the handler's response does not fit its type",
    "refuses a request longer than the limit with RESOURCE_EXHAUSTED, and names the limit",
    "answers RESOURCE_EXHAUSTED instead of a response longer than the limit, and names the limit",
    "ends a stream at a message longer than the limit",
    "answers UNIMPLEMENTED to a serializer it does not have, and names those it has",
  ].map((law) => ({ law, reason })),
});

const reply = (response: unknown): Reply => ({ response, headers: noMetadata, trailers: () => noMetadata });

/** Serves one method by `invoke` and gives the way to it. */
async function served(method: Method, invoke: Invoker): Promise<Invoker> {
  const protocol = inprocProtocol({ ports: systemPorts, log: silentLog });
  const service = { service: Sample, methods: new Map([[method.name, { method, invoke }]]) };
  const { address } = await protocol.listen({ services: [service], serializers: new Map() });
  return protocol.connect(sampleInstance("a", { address })).invoker(method, protobuf);
}

const protobuf: Serializer = { contentType: "application/protobuf", subtype: "proto", codec: codecOf };
const { read, watch } = Sample.methods;

describe("protocol/inproc", () => {
  it("hands over the request and the response themselves", async () => {
    const request = { key: "k", number: 1 };
    let seen: unknown;
    const invoke = await served(read, async (call) => {
      seen = call.request;
      return reply(request);
    });
    const { response } = await invoke(sampleCall(callContext(), { request }));
    assert.equal(seen, request);
    assert.equal(response, request);
  });

  it("gives the caller an error of its own: no cause, and never the neverSent of a nested call", async () => {
    const nested = new StatusError("UNAVAILABLE", "nobody there", { neverSent: true, cause: new Error("secret") });
    const invoke = await served(read, () => Promise.reject(nested));
    const error = await invoke(sampleCall(callContext())).catch((error) => error);
    assert.notEqual(error, nested);
    assert.deepEqual(
      [error.code, error.message, error.neverSent, error.cause],
      ["UNAVAILABLE", "nobody there", false, undefined],
    );
  });

  it("keeps process values, listeners and incoming headers of the caller from the handler", async () => {
    const key = contextKey("a value", 0);
    let seen: CallContext | undefined;
    const invoke = await served(read, async ({ context }) => {
      seen = context;
      return reply({ text: "" });
    });
    await invoke(sampleCall(callContext({ metadata: { a: "1" }, onHeaders: () => undefined }).set(key, 7)));
    assert.equal(seen?.get(key), 0);
    assert.equal(seen?.incoming.get("a"), "1");
    assert.deepEqual(seen?.outgoing.names(), []);
    assert.equal(seen?.headersListener, undefined);
  });

  it("lets timers run while calls follow upon each other without a pause", async () => {
    const invoke = await served(read, async () => reply({ text: "" }));
    let stop = false;
    setTimeout(() => {
      stop = true;
    }, 5);
    for (let calls = 0; !stop; calls++) {
      assert.ok(calls < 5_000_000, "the timer never ran");
      await invoke(sampleCall(callContext()));
    }
  });

  it("rejects a stream that fails before its first message, as protocols with bytes do", async () => {
    const invoke = await served(watch, async () =>
      reply(
        (async function* () {
          yield* [] as string[];
          throw new StatusError("NOT_FOUND", "no such thing");
        })(),
      ),
    );
    await assert.rejects(invoke(sampleCall(callContext(), { method: watch })), { code: "NOT_FOUND" });
  });

  it("has an address for every listener, which another process does not have", async () => {
    const protocol = inprocProtocol({ ports: systemPorts, log: silentLog });
    const listeners = await Promise.all([1, 2].map(() => protocol.listen({ services: [], serializers: new Map() })));
    assert.equal(new Set(listeners.map(({ address }) => address)).size, 2);
    const there = sampleInstance("a", { address: listeners[0]?.address ?? "" });
    const other = inprocProtocol({ ports: systemPorts, log: silentLog });
    assert.deepEqual(
      [protocol, other].map((from) => from.reaches?.(there)),
      [true, false],
    );
    const invoke = other.connect(there).invoker(read, protobuf);
    await assert.rejects(invoke(sampleCall(callContext())), { code: "UNAVAILABLE", neverSent: true });
  });

  it("is the plugin protocol/inproc", () => {
    assert.equal(inproc.id, "protocol/inproc");
  });
});
