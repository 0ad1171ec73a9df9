import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Cache } from "@mortise/kernel";
import { cacheConformance } from "@mortise/kernel/spi/cache.conformance";
import { startPlugin, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { memory } from "./memory.ts";

async function made(options: object = {}) {
  const ports = virtualPorts();
  const { api } = await startPlugin<Cache>(memory, { ports, options });
  return { cache: api, pass: (ms: number) => ports.advance(ms) };
}

cacheConformance({ name: "memory", make: async () => ({ subject: await made() }) });

describe("cache/memory", () => {
  const letters: readonly string[] = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const value = new Uint8Array(872 - 2); // an entry with a key of one letter takes 1000 bytes

  it("forgets what was used longest ago when it is full", async () => {
    const { cache } = await made({ maxBytes: 3000 });
    for (const key of ["a", "b", "c"]) await cache.set(key, value, 1000);
    await cache.get("a");
    await cache.set("d", value, 1000);
    const kept = await Promise.all(["a", "b", "c", "d"].map((key) => cache.get(key)));
    assert.deepEqual(kept.map(Boolean), [true, false, true, true]);
  });

  it("does not keep a value that is larger than all of it, nor what stood under its key", async () => {
    const { cache } = await made({ maxBytes: 3000 });
    await cache.set("a", value, 1000);
    await cache.set("a", new Uint8Array(3000), 1000);
    assert.equal(await cache.get("a"), undefined);
  });

  it("keeps exactly as many as there is room for, whatever comes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...letters), { maxLength: 40 }), async (keys) => {
        const { cache } = await made({ maxBytes: 3000 });
        for (const key of keys) await cache.set(key, value, 1000);
        const expected = new Set([...new Set([...keys].reverse())].slice(0, 3));
        for (const key of letters) assert.equal((await cache.get(key)) !== undefined, expected.has(key));
      }),
    );
  });

  it("is the plugin cache/memory", () => assert.equal(memory.id, "cache/memory"));
});
