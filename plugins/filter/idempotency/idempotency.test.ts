import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Cache,
  type ContextChanges,
  callContext,
  type ErrorCode,
  type Invoker,
  noMetadata,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { idempotency } from "./idempotency.ts";
import { idempotencyFilter } from "./idempotency-filter.ts";

/** Keeps bytes until their time on the clock of the ports. */
function mapCache(now: () => number) {
  const kept = new Map<string, { value: Uint8Array; until: number }>();
  const get = (key: string) => {
    const one = kept.get(key);
    return one && one.until > now() ? one.value : undefined;
  };
  const api: Cache = {
    get: async (key) => get(key),
    async set(key, value, ttlMs) {
      kept.set(key, { value, until: now() + ttlMs });
    },
    async add(key, value, ttlMs) {
      if (get(key)) return false;
      kept.set(key, { value, until: now() + ttlMs });
      return true;
    },
    async delete(key) {
      kept.delete(key);
    },
  };
  return api;
}

const memories = (cache: Cache) => ({
  caches: () => new Map([["map", cache]]),
  store: () => undefined,
  transactions: 1,
});

const answered = { headers: noMetadata, trailers: () => noMetadata };

filterConformance({
  name: "idempotency",
  make: () => ({
    subject: (ports) => idempotencyFilter(memories(mapCache(() => ports.clock.now())), ports),
  }),
});

function made(end?: Invoker, settings: object = {}, store?: Cache) {
  const ports = virtualPorts();
  const cache = store ?? mapCache(() => ports.clock.now());
  let runs = 0;
  const handler: Invoker = async (call) => {
    runs++;
    if (end) return end(call);
    await ports.timers.sleep(100);
    return { response: { text: `${runs}` }, headers: noMetadata, trailers: () => noMetadata };
  };
  /** Two processes with one cache. */
  const processes = [0, 1].map(() => {
    const policy = { fields: { idempotency: { cache: "map", ...settings } } };
    const site = sampleSite({ place: "provider", method: Sample.methods.write, policy });
    return idempotencyFilter(memories(cache), ports).wrap(site)?.(handler) as Invoker;
  });
  const start = (changes: ContextChanges = { idempotencyKey: "k" }, number = 0, process = 0): Promise<Reply> => {
    const context = callContext({ timeoutMs: 10_000, ...changes }, ports);
    return (processes[process] as Invoker)(
      sampleCall(context, { method: Sample.methods.write, request: { key: "", number } }),
    );
  };
  const call = async (...given: Parameters<typeof start>) =>
    ((await ports.settle(start(...given))).response as { text: string }).text;
  return { ports, start, call, runs: () => runs };
}

describe("filter/idempotency", () => {
  it("does a request once and repeats its result", async () => {
    const { call, runs } = made();
    assert.deepEqual([await call(), await call(), await call(undefined, 0, 1)], ["1", "1", "1"]);
    assert.equal(runs(), 1);
  });

  it("lets duplicates wait for the one that runs, in this process and in others", async () => {
    const { start, runs, ports } = made();
    const replies = await ports.settle(Promise.all([0, 1, 0, 1, 1].map((process) => start(undefined, 0, process))));
    assert.deepEqual(
      replies.map(({ response }) => response),
      Array(5).fill({ text: "1" }),
    );
    assert.equal(runs(), 1);
  });

  it("keeps callers, tenants and keys apart", async () => {
    const { call } = made();
    const caller = { name: "gateway", claims: {} };
    const key = { idempotencyKey: "k" };
    const texts: string[] = [];
    for (const changes of [key, { idempotencyKey: "l" }, { ...key, tenant: "t" }, { ...key, caller }, key])
      texts.push(await call(changes));
    assert.deepEqual(texts, ["1", "2", "3", "4", "1"]);
  });

  it("refuses a key that comes with another request", async () => {
    const { call } = made();
    await call(undefined, 1);
    await assert.rejects(call(undefined, 2), { code: "INVALID_ARGUMENT", reason: "IDEMPOTENCY_KEY_REUSED" });
  });

  it("lets calls without a key pass, unless it must have one", async () => {
    const { call } = made();
    assert.deepEqual([await call({}), await call({})], ["1", "2"]);
    await assert.rejects(made(undefined, { required: true }).call({}), { reason: "IDEMPOTENCY_KEY_MISSING" });
  });

  it("repeats refusals with all they say, and does again what may turn out otherwise", async () => {
    const failing = async (code: ErrorCode, retryable?: boolean) => {
      const options = { reason: "WHY", details: { a: "1" }, ...(retryable !== undefined && { retryable }) };
      const { call, runs } = made(() => Promise.reject(new StatusError(code, "no", options)));
      for (let i = 0; i < 2; i++)
        await assert.rejects(call(), { code, message: "no", reason: "WHY", details: { a: "1" } });
      return runs();
    };
    for (const code of ["FAILED_PRECONDITION", "NOT_FOUND", "INVALID_ARGUMENT"] as const)
      assert.equal(await failing(code), 1, code);
    for (const code of ["UNAVAILABLE", "INTERNAL", "ABORTED", "DEADLINE_EXCEEDED"] as const)
      assert.equal(await failing(code), 2, code);
    assert.equal(await failing("FAILED_PRECONDITION", true), 2);
  });

  it("forgets results in time", async () => {
    const { call, ports } = made(undefined, { keepMs: 5000 });
    assert.equal(await call(), "1");
    await ports.advance(4000);
    assert.equal(await call(), "1");
    await ports.advance(1001);
    assert.equal(await call(), "2");
  });

  it("frees the key of a process that died", async () => {
    let dead = true;
    const { start, call, ports, runs } = made(
      () => (dead ? new Promise(() => undefined) : Promise.resolve({ ...answered, response: { text: "alive" } })),
      { runMs: 1000 },
    );
    void start();
    await ports.advance(0);
    dead = false;
    assert.equal(await call(undefined, 0, 1), "alive");
    assert.equal(runs(), 2);
    assert.ok(ports.clock.now() >= 1000, "not before its time");
  });

  it("lets a duplicate wait no longer than its deadline", async () => {
    const { start, ports } = made(() => new Promise(() => undefined));
    void start();
    await assert.rejects(ports.settle(start({ idempotencyKey: "k", timeoutMs: 300 })), { code: "DEADLINE_EXCEEDED" });
  });

  it("does nothing while the cache is away", async () => {
    const away = () => Promise.reject(new Error("away"));
    const { call, runs } = made(undefined, {}, { get: away, set: away, add: away, delete: away });
    await assert.rejects(call(), { code: "UNAVAILABLE", reason: "IDEMPOTENCY_UNAVAILABLE", retryable: true });
    assert.equal(runs(), 0);
  });

  it("runs every key once, whoever sends it how often and where", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(3), fc.nat(1), fc.nat(150)), { minLength: 1, maxLength: 20 }),
        async (sent) => {
          const { start, runs, ports } = made();
          const replies = sent.map(async ([key, process, wait]) => {
            await ports.timers.sleep(wait);
            return start({ idempotencyKey: `${key}` }, key, process);
          });
          await ports.settle(Promise.all(replies));
          assert.equal(runs(), new Set(sent.map(([key]) => key)).size);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("is the plugin filter/idempotency", () => assert.equal(idempotency.id, "filter/idempotency"));
});
