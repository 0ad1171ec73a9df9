import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Breaker,
  type Circuit,
  callContext,
  type Invoker,
  type Method,
  noMetadata,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { breaker } from "./breaker.ts";
import { breakerFilter } from "./breaker-filter.ts";

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

/** A breaker whose circuits open when the test says so, and note what they are told. */
function scripted() {
  const circuits: { open: boolean; heard: string[] }[] = [];
  const breaker: Breaker = {
    circuits: () => () => {
      const one = { open: false, heard: [] as string[] };
      circuits.push(one);
      return {
        admit: () => !one.open,
        record: (ok, tookMs) => void one.heard.push(`${ok ? "ok" : "failed"} ${tookMs}`),
        forget: () => void one.heard.push("forget"),
        state: "closed",
      } satisfies Circuit;
    },
  };
  return { circuits, breakers: () => new Map([["scripted", breaker]]) };
}

filterConformance({
  name: "breaker",
  make: () => ({ subject: ({ clock }) => breakerFilter(scripted().breakers, clock) }),
});

describe("filter/breaker", () => {
  function made(breakerScope: "method" | "instance") {
    const ports = virtualPorts();
    const script = scripted();
    const place = breakerScope === "method" ? "call" : "attempt";
    const site = sampleSite({ place, policy: { fields: { breaker: "scripted", breakerScope } } });
    const wrap = breakerFilter(script.breakers, ports.clock).wrap(site);
    assert.ok(wrap);
    return { ports, ...script, around: (end: Invoker) => wrap(end) };
  }

  it("tells the circuit how calls went: failures, refusals that are answers, cancellations", async () => {
    const { ports, circuits, around } = made("method");
    const outcomes: Record<string, Invoker> = {
      fine: async () => reply,
      down: () => Promise.reject(new StatusError("UNAVAILABLE", "")),
      refused: () => Promise.reject(new StatusError("NOT_FOUND", "")),
      cancelled: () => Promise.reject(new StatusError("CANCELLED", "")),
    };
    const invoke = around(async (call) => {
      await ports.timers.sleep(7);
      return (outcomes[(call.request as { key: string }).key] as Invoker)(call);
    });
    for (const key of Object.keys(outcomes)) {
      await ports.settle(
        invoke(sampleCall(callContext({}, ports), { request: { key, number: 0 } })).catch(() => reply),
      );
    }
    assert.deepEqual(circuits[0]?.heard, ["ok 7", "failed 7", "ok 7", "forget"]);
  });

  it("refuses at once while the circuit is open, and says that nothing was sent", async () => {
    const { circuits, around, ports } = made("method");
    const invoke = around(() => assert.fail("it was called"));
    for (const one of circuits) one.open = true;
    await assert.rejects(invoke(sampleCall(callContext({}, ports))), {
      code: "UNAVAILABLE",
      reason: "CIRCUIT_OPEN",
      neverSent: true,
      message: /the circuit of mortise\.sample\.v1\.Sample\/Read is open/,
    });
  });

  it("gives every instance a circuit of its own where it is told to", async () => {
    const { circuits, around, ports } = made("instance");
    const invoke = around(async () => reply);
    const [a, b] = [sampleInstance("a"), sampleInstance("b")];
    const call = (instance: typeof a) => invoke(sampleCall(callContext({}, ports), { instance }));
    await call(a);
    await call(b);
    const sick = circuits.find(({ heard }) => heard.length > 0);
    assert.ok(sick);
    sick.open = true;
    await assert.rejects(call(a), /on 127\.0\.0\.1:a is open/);
    await call(b);
  });

  it("gives all methods of a service one circuit where it is told to, as long as their policies say the same", async () => {
    const { circuits, breakers } = scripted();
    const { clock } = virtualPorts();
    const filter = breakerFilter(breakers, clock);
    const invoker = (method: Method, fields: object = {}) => {
      const policy = { fields: { breaker: "scripted", breakerScope: "service", ...fields } };
      const wrap = filter.wrap(sampleSite({ place: "call", method, policy }));
      assert.ok(wrap);
      return wrap(async () => reply);
    };
    const { read, write } = Sample.methods;
    const [reading, writing] = [invoker(read), invoker(write, { hashOn: ["key"] })];
    const stricter = invoker(write, { breakerSre: { k: 1.5 } });
    await reading(sampleCall(callContext()));
    await writing(sampleCall(callContext()));
    await stricter(sampleCall(callContext()));
    assert.deepEqual(
      circuits.map(({ heard }) => heard.length),
      [2, 1],
    );
    for (const one of circuits.slice(0, 1)) one.open = true;
    const open = { reason: "CIRCUIT_OPEN", message: /the circuit of mortise\.sample\.v1\.Sample is open/ };
    await assert.rejects(reading(sampleCall(callContext())), open);
    await assert.rejects(writing(sampleCall(callContext())), open);
    await stricter(sampleCall(callContext()));
  });

  it("stays out of the way where the policy names no breaker, and complains about one that is not there", () => {
    const { clock } = virtualPorts();
    const filter = breakerFilter(() => new Map(), clock);
    assert.equal(filter.wrap(sampleSite()), undefined);
    assert.throws(
      () => filter.wrap(sampleSite({ policy: { fields: { breaker: "sre" } } })),
      /breaker "sre" is not loaded; there are: none/,
    );
  });

  it("is the plugin filter/breaker", () => assert.equal(breaker.id, "filter/breaker"));
});
