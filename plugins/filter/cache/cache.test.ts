import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Cache,
  type ContextChanges,
  cache as cacheSpi,
  callContext,
  type Invoker,
  noMetadata,
  type Place,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleSite, silentLog, virtualPorts } from "@mortise/kernel/testing";
import { cache } from "./cache.ts";
import { cacheFilter } from "./cache-filter.ts";

/** Keeps bytes for ever, and tells for how long it was asked to. */
function mapCache() {
  const kept = new Map<string, Uint8Array>();
  const ttls: number[] = [];
  const api: Cache = {
    get: async (key) => kept.get(key),
    async set(key, value, ttlMs) {
      kept.set(key, value.slice());
      ttls.push(ttlMs);
    },
    add: async () => false,
    delete: async () => undefined,
  };
  return { api, kept, ttls };
}

const gone: Cache = {
  get: () => Promise.reject(new Error("gone")),
  set: () => Promise.reject(new Error("gone")),
  add: () => Promise.reject(new Error("gone")),
  delete: () => Promise.reject(new Error("gone")),
};

filterConformance({
  name: "cache",
  make: () => ({ subject: () => cacheFilter(() => new Map([["map", mapCache().api]]), silentLog) }),
});

interface Given {
  readonly fields?: Record<string, unknown>;
  readonly place?: Place;
  readonly method?: (typeof Sample.methods)["read" | "write" | "watch"];
  readonly store?: Cache;
  readonly end?: Invoker;
}

function made({ fields = {}, place = "call", method = Sample.methods.read, store, end }: Given = {}) {
  const ports = virtualPorts();
  const map = mapCache();
  const filter = cacheFilter(() => new Map([["map", store ?? map.api]]), silentLog);
  const policy = { fields: { cache: "map", cacheTtlMs: 500, ...fields } };
  let calls = 0;
  const answer: Invoker = async (call) => {
    calls++;
    if (end) return end(call);
    return { response: { text: `${calls}` }, headers: noMetadata, trailers: () => noMetadata };
  };
  const wrap = filter.wrap(sampleSite({ place, method, policy }));
  const invoke = wrap?.(answer) ?? answer;
  const call = (changes: ContextChanges = {}, key = "k") =>
    invoke(sampleCall(callContext(changes, ports), { method, request: { key, number: 0 } })).then(
      ({ response }) => (response as { text: string }).text,
    );
  return { ports, map, wrap, call, calls: () => calls };
}

describe("filter/cache", () => {
  it("answers from what was answered before, by arguments", async () => {
    const { call, calls, map } = made();
    assert.deepEqual([await call(), await call(), await call({}, "other"), await call()], ["1", "1", "2", "1"]);
    assert.equal(calls(), 2);
    assert.deepEqual(map.ttls, [500, 500]);
  });

  it("shares nothing across callers and tenants unless the policy says so", async () => {
    const caller = (name: string) => ({ caller: { name, claims: {} } });
    const contexts: ContextChanges[] = [
      {},
      { tenant: "a" },
      { tenant: "b" },
      { tenant: "a", ...caller("x") },
      { tenant: "a", ...caller("y") },
      caller("a"),
    ];
    const answers = async (cacheFor?: string) => {
      const { call } = made({ fields: cacheFor ? { cacheFor } : {} });
      const texts: string[] = [];
      for (const context of [...contexts, ...contexts]) texts.push(await call(context));
      return texts.slice(6).join();
    };
    assert.equal(await answers(), "1,2,3,4,5,6");
    assert.equal(await answers("tenant"), "1,2,3,2,2,1");
    assert.equal(await answers("all"), "1,1,1,1,1,1");
  });

  it("lets one of many calls at the same time go on, and gives everybody an answer of their own", async () => {
    let open: (reply: Reply) => void = () => undefined;
    const end: Invoker = () => new Promise((resolve) => (open = resolve));
    const { call, calls, ports } = made({ end });
    const all = Array.from({ length: 100 }, () => call());
    await ports.advance(0);
    open({ response: { text: "there" }, headers: noMetadata, trailers: () => noMetadata });
    assert.deepEqual(new Set(await Promise.all(all)), new Set(["there"]));
    assert.equal(calls(), 1);
  });

  it("keeps no failure, and tells it to all who wait", async () => {
    let failures = 0;
    const end: Invoker = async () => {
      throw new StatusError("NOT_FOUND", `${++failures}`);
    };
    const { call } = made({ end });
    const codes = await Promise.all([call(), call()].map((one) => one.catch(({ message }: Error) => message)));
    assert.deepEqual(codes, ["1", "1"]);
    await assert.rejects(call(), { message: "2" });
  });

  it("goes on for those who wait when the one they wait for runs out of its own time", async () => {
    const end: Invoker = ({ context }) =>
      new Promise((resolve, reject) => {
        const forget = context.onCancel(reject);
        ports.timers.after(100, () => {
          forget();
          resolve({ response: { text: "late" }, headers: noMetadata, trailers: () => noMetadata });
        });
      });
    const { call, ports } = made({ end });
    const hasty = call({ timeoutMs: 50 });
    const patient = call({ timeoutMs: 1000 });
    await assert.rejects(ports.settle(hasty), { code: "DEADLINE_EXCEEDED" });
    assert.equal(await ports.settle(patient), "late");
  });

  it("lets nobody wait longer than their own deadline", async () => {
    const { call, ports } = made({ end: () => new Promise(() => undefined) });
    void call();
    await assert.rejects(ports.settle(call({ timeoutMs: 10 })), { code: "DEADLINE_EXCEEDED" });
  });

  it("does without a cache that is gone, or that holds what it cannot read", async () => {
    const without = made({ store: gone });
    assert.deepEqual([await without.call(), await without.call()], ["1", "2"]);
    const broken = made();
    await broken.call();
    for (const key of broken.map.kept.keys()) broken.map.kept.set(key, Uint8Array.of(0xff));
    assert.equal(await broken.call(), "2");
  });

  it("stands only before unary methods that change nothing, where the policy says", () => {
    assert.equal(made({ method: Sample.methods.write }).wrap, undefined);
    assert.equal(made({ method: Sample.methods.watch }).wrap, undefined);
    assert.equal(made({ fields: { cacheTtlMs: 0 } }).wrap, undefined);
    assert.equal(made({ place: "provider" }).wrap, undefined);
    assert.ok(made({ place: "provider", fields: { cacheAt: "provider" } }).wrap);
    assert.throws(() => made({ fields: { cache: "redis" } }), /cache "redis" is not loaded; there are: map/);
  });

  it("is the plugin filter/cache", () => {
    assert.equal(cache.id, "filter/cache");
    assert.deepEqual(cache.activate?.whenUsed, [cacheSpi]);
  });
});
