import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ContextChanges, callContext, type Limiter, noMetadata, type Place, type Reply } from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { ratelimit } from "./ratelimit.ts";
import { ratelimitFilter } from "./ratelimit-filter.ts";

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

/** Lets so many calls of each key in at a time; answers later where it is told to. */
function room(size: number, late = false): { limiter: Limiter; inside: Map<string, number> } {
  const inside = new Map<string, number>();
  const acquire = (key: string) => {
    const count = inside.get(key) ?? 0;
    if (count >= size) return { retryAfterMs: 40 };
    inside.set(key, count + 1);
    return { release: () => void inside.set(key, (inside.get(key) ?? 0) - 1) };
  };
  return { inside, limiter: { limit: () => ({ acquire: late ? async (key) => acquire(key) : acquire }) } };
}

filterConformance({
  name: "ratelimit",
  make: () => ({ subject: ({ clock }) => ratelimitFilter(() => new Map([["room", room(1).limiter]]), clock) }),
});

describe("filter/ratelimit", () => {
  function made(size: number, fields: Record<string, unknown> = {}, place: Place = "provider", late = false) {
    const ports = virtualPorts();
    const { limiter, inside } = room(size, late);
    const filter = ratelimitFilter(() => new Map([["room", limiter]]), ports.clock);
    const wrap = filter.wrap(sampleSite({ place, policy: { fields: { limiter: "room", ...fields } } }));
    const call = (changes: ContextChanges = {}) => sampleCall(callContext(changes, ports));
    return { ports, inside, wrap, call };
  }

  for (const late of [false, true]) {
    it(`refuses calls over the limit at once and says when to come again${late ? ", also when the limiter answers later" : ""}`, async () => {
      const { wrap, call, ports, inside } = made(1, {}, "provider", late);
      const invoke = wrap?.(async () => {
        await ports.timers.sleep(10);
        return reply;
      });
      const first = invoke?.(call());
      await assert.rejects(ports.settle(invoke?.(call()) as Promise<Reply>), {
        code: "RESOURCE_EXHAUSTED",
        reason: "RATE_LIMITED",
        retryable: true,
        details: { retryAfterMs: "40" },
      });
      await ports.settle(first as Promise<Reply>);
      assert.equal(inside.get(""), 0);
      await ports.settle(invoke?.(call()) as Promise<Reply>);
    });
  }

  it("keeps a stream's permit until the stream ends", async () => {
    const ports = virtualPorts();
    const { limiter, inside } = room(1);
    const site = sampleSite({
      place: "provider",
      method: Sample.methods.watch,
      policy: { fields: { limiter: "room" } },
    });
    const invoke = ratelimitFilter(() => new Map([["room", limiter]]), ports.clock).wrap(site)?.(async () => ({
      ...reply,
      response: (async function* () {
        yield 1;
      })(),
    }));
    assert.ok(invoke);
    const { response } = await invoke(sampleCall(callContext({}, ports), { method: Sample.methods.watch }));
    assert.equal(inside.get(""), 1);
    for await (const _ of response as AsyncIterable<unknown>);
    assert.equal(inside.get(""), 0);
  });

  it("counts by tenant and by caller where it is told to", async () => {
    const byTenant = made(1, { limitBy: "tenant" });
    const never = byTenant.wrap?.(() => new Promise(() => undefined));
    void never?.(byTenant.call({ tenant: "a" }));
    void never?.(byTenant.call({ tenant: "b" }));
    assert.deepEqual(
      [...byTenant.inside],
      [
        ["a", 1],
        ["b", 1],
      ],
    );
    const byCaller = made(1, { limitBy: "caller" });
    void byCaller.wrap?.(() => new Promise(() => undefined))(
      byCaller.call({ caller: { name: "gateway", claims: {} } }),
    );
    assert.deepEqual([...byCaller.inside], [["gateway", 1]]);
  });

  it("stands where the policy says", () => {
    assert.equal(made(1, {}, "call").wrap, undefined);
    assert.ok(made(1, { limitAt: "call" }, "call").wrap);
    assert.equal(made(1, { limitAt: "call" }, "provider").wrap, undefined);
  });

  it("complains about a limiter that is not there", () => {
    assert.throws(() => made(1, { limiter: "bbr" }).wrap, /limiter "bbr" is not loaded; there are: room/);
  });

  it("is the plugin filter/ratelimit", () => assert.equal(ratelimit.id, "filter/ratelimit"));
});
