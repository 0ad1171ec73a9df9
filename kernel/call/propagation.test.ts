import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { decodeBaggage, encodeBaggage, maxBaggageBytes, maxBaggageMembers } from "./baggage.ts";
import { callContext } from "./call-context.ts";
import { metadata } from "./metadata.ts";
import {
  bareContexts,
  contextFromHeaders,
  contextHeaderNames,
  contextHeaders,
  decodeTimeout,
  eachHeader,
  encodeTimeout,
  isContextHeader,
  maxContextValue,
  sendsBare,
  timeoutHeader,
} from "./propagation.ts";
import { serverContext } from "./server-context.ts";
import { decodeTrace, encodeTraceparent, maxTraceState } from "./trace.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef".split("")), minLength: length, maxLength: length });
const nonZero = (length: number) => hex(length).filter((id) => !/^0+$/.test(id));

describe("traceparent", () => {
  it("comes back as it went", () => {
    fc.assert(
      fc.property(nonZero(32), nonZero(16), fc.boolean(), (traceId, spanId, sampled) => {
        const trace = { traceId, spanId, sampled, state: "a=1,b=2" };
        assert.deepEqual(decodeTrace(encodeTraceparent(trace), trace.state), trace);
      }),
    );
  });

  it("is ignored when malformed, and read as far as known when of a later version", () => {
    const good = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    for (const bad of [
      "",
      "x",
      good.toUpperCase(),
      good.slice(1),
      `${good}-more`,
      `${good}0`,
      good.replace("00-", "ff-"),
      good.replaceAll("a", "0"),
      good.replaceAll("b", "0"),
      ` ${good}`,
    ]) {
      assert.equal(decodeTrace(bad, "a=1"), undefined, bad);
    }
    assert.equal(decodeTrace(`cc${good.slice(2)}`)?.sampled, true);
    assert.equal(decodeTrace(`cc${good.slice(2)}-what-comes`)?.spanId, "b".repeat(16));
    assert.equal(decodeTrace(`cc${good.slice(2)}what`), undefined);
    assert.equal(decodeTrace(good.replace(/01$/, "02"))?.sampled, false);
  });

  it("never fails, whatever the headers", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (parent, state) => void decodeTrace(parent, state)));
  });

  it("keeps whole members of a tracestate that is too long", () => {
    const parent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const members = Array.from({ length: 31 }, (_, i) => `key${i}=${"v".repeat(30)}`);
    const state = decodeTrace(parent, members.join(","))?.state ?? "";
    assert.ok(state.length <= maxTraceState && members.join(",").startsWith(`${state},`));
    assert.equal(decodeTrace(parent, "a=\u00e4")?.state, "");
  });
});

describe("baggage", () => {
  it("comes back as it went, whatever the values", () => {
    const key = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,8}$/).filter((k) => k !== "__proto__");
    const value = fc.string({ unit: "grapheme", maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 20 }), (baggage) => {
        assert.deepEqual({ ...decodeBaggage(encodeBaggage(baggage)) }, { ...baggage });
      }),
    );
  });

  it("loses only the members that are malformed", () => {
    assert.deepEqual(
      { ...decodeBaggage("a=1, b = two%20words ;prop=x;y,nothing,c d=3,=4,e=%zz,f=") },
      { a: "1", b: "two words", f: "" },
    );
  });

  it("never fails and never grows beyond the limits", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (header) => {
        assert.ok(Object.keys(decodeBaggage(header)).length <= maxBaggageMembers);
      }),
    );
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, "v"]));
    assert.equal(encodeBaggage(many).split(",").length, maxBaggageMembers);
    const big = { small: "s", big: "b".repeat(maxBaggageBytes), last: "l", "no token": "x", lone: "\ud800" };
    assert.equal(encodeBaggage(big), "small=s,last=l,lone=%EF%BF%BD");
    const cut = decodeBaggage(`a=1,b=${"c".repeat(maxBaggageBytes)}`);
    assert.deepEqual({ ...cut }, { a: "1" });
    const received = contextFromHeaders(metadata({ baggage: `a=1,b=${"c".repeat(maxBaggageBytes)}` }), virtualPorts());
    assert.deepEqual(contextHeaders(received), { baggage: "a=1" });
  });
});

describe("the timeout header", () => {
  it("says the time that is left, never more", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (ms) => {
        const header = encodeTimeout(ms);
        assert.match(header, /^\d{1,8}[HMSmun]$/);
        const back = decodeTimeout(header) ?? Number.NaN;
        assert.ok(back <= ms * (1 + 1e-12), `${ms} became ${back}`);
        assert.ok(back >= ms * 0.95 - 0.001, `${ms} became ${back}`);
      }),
    );
    assert.equal(encodeTimeout(-5), "0n");
  });

  it("reads all units of gRPC and ignores anything else", () => {
    const units = ["2H", "2M", "2S", "2m", "2u", "2n"].map(decodeTimeout);
    assert.deepEqual(units, [7_200_000, 120_000, 2000, 2, 0.002, 0.000002]);
    for (const bad of [undefined, "", "5", "m", "-5m", "123456789m", "5 m", "5ms", "5s"])
      assert.equal(decodeTimeout(bad), undefined);
  });
});

describe("a context in headers", () => {
  const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "x=y" };

  it("arrives at the other side", () => {
    const ports = virtualPorts();
    const sent = callContext(
      {
        timeoutMs: 250,
        trace,
        tenant: "M\u00fcller & Co",
        baggage: { who: "you" },
        idempotencyKey: 'a "key"',
        metadata: { app: "1", "raw-bin": new Uint8Array([7]) },
      },
      ports,
    );
    const headers: Record<string, string | Uint8Array> = {};
    eachHeader(sent, (name, value) => {
      headers[name] = value;
    });
    const timeout = timeoutHeader(sent);
    assert.equal(timeout, "250000u");
    const received = contextFromHeaders(
      metadata({ ...headers, [contextHeaderNames.timeout]: timeout as string }),
      ports,
    );
    assert.deepEqual(received.trace, trace);
    assert.deepEqual(
      [received.deadline, received.tenant, { ...received.baggage }, received.idempotencyKey],
      [250, "M\u00fcller & Co", { who: "you" }, 'a "key"'],
    );
    assert.deepEqual([received.incoming.get("app"), received.incoming.getBytes("raw-bin")?.[0]], ["1", 7]);
    assert.equal(contextFromHeaders(metadata(headers), ports, 10).deadline, 10, "a protocol with a field of its own");
    assert.equal(contextFromHeaders(metadata(headers), ports).deadline, Number.POSITIVE_INFINITY);
  });

  it("passes baggage on as it came without decoding it", () => {
    const received = contextFromHeaders(metadata({ baggage: ["a=1;p=2", "b=2"] }), virtualPorts());
    assert.equal(contextHeaders(received).baggage, "a=1;p=2,b=2");
    assert.deepEqual({ ...received.baggage }, { a: "1", b: "2" });
  });

  it("is not built from what is malformed or too long", () => {
    const received = contextFromHeaders(
      metadata({
        traceparent: "nonsense",
        tracestate: "a=1",
        baggage: "%",
        "mortise-tenant": "t".repeat(maxContextValue + 1),
        "idempotency-key": "%zz",
        "grpc-timeout": "soon",
      }),
      virtualPorts(),
    );
    assert.deepEqual(
      [received.trace, { ...received.baggage }, received.tenant, received.idempotencyKey, received.deadline],
      [undefined, {}, undefined, undefined, Number.POSITIVE_INFINITY],
    );
    assert.equal(
      contextFromHeaders(metadata({ "idempotency-key": '"quoted"' }), virtualPorts()).idempotencyKey,
      "quoted",
    );
  });

  it("does not let an application's header pass for one of the context", () => {
    const headers: string[] = [];
    eachHeader(callContext({ metadata: { traceparent: "mine", baggage: "mine", app: "1" } }), (name) =>
      headers.push(name),
    );
    assert.deepEqual(headers, ["app"]);
    assert.ok(isContextHeader("grpc-timeout"));
  });

  it("leaves the idempotency key of a request out of the calls made for it", () => {
    const received = contextFromHeaders(metadata({ "idempotency-key": "k" }), virtualPorts());
    assert.deepEqual(contextHeaders(serverContext(received)), {});
  });

  it("says nothing of a deadline there is none of", () => {
    assert.equal(timeoutHeader(callContext()), undefined);
  });
});

describe("a bare context", () => {
  const ports = virtualPorts();
  const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };

  it("is that of headers with a deadline and a trace alone", () => {
    const made = bareContexts(ports)(250, trace);
    const read = contextFromHeaders(metadata({ traceparent: encodeTraceparent(trace) }), ports, 250);
    const seen = ({ deadline, trace, baggage, tenant, idempotencyKey, caller, outgoing }: typeof made) => [
      deadline,
      trace,
      baggage,
      tenant,
      idempotencyKey,
      caller,
      outgoing,
    ];
    assert.deepEqual(seen(made), seen(read));
    assert.equal(bareContexts(ports)(undefined, undefined).deadline, Number.POSITIVE_INFINITY);
  });

  it("is all that is sent unless something else has been set", () => {
    const context = callContext({ trace, timeoutMs: 5 }, ports);
    assert.ok(
      sendsBare(context) && sendsBare(callContext()) && sendsBare(serverContext(bareContexts(ports)(1, trace))),
    );
    for (const more of [
      { metadata: { a: "1" } },
      { baggage: { a: "1" } },
      { tenant: "t" },
      { idempotencyKey: "k" },
      { trace: { ...trace, state: "a=1" } },
    ])
      assert.ok(!sendsBare(context.with(more)), JSON.stringify(more));
  });
});
