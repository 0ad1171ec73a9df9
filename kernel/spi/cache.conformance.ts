import assert from "node:assert/strict";
import { conformance } from "../testing/conformance.ts";
import type { Cache } from "./cache.ts";

/** A cache that nobody else writes to, and its time. */
export interface CacheSubject {
  readonly cache: Cache;
  /** Lets so many milliseconds pass, on the clock that the cache expires by. */
  pass(ms: number): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const minute = 60_000;

const law = (law: string, check: (cache: Cache, subject: CacheSubject) => Promise<void>) => ({
  law,
  check: (subject: CacheSubject) => check(subject.cache, subject),
});

/** What every cache keeps to. */
export const cacheConformance = conformance<CacheSubject>("cache", [
  law("has nothing of a key nobody has set", async (cache) => assert.equal(await cache.get("none"), undefined)),
  law("gives what was set last", async (cache) => {
    await cache.set("k", bytes("one"), minute);
    await cache.set("k", bytes("two"), minute);
    assert.equal(text(await cache.get("k")), "two");
  }),
  law("keeps any bytes under any key", async (cache) => {
    const value = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const key of ["", " ", "a:b\0c\n", "é漢🙂", "x".repeat(1000)]) {
      await cache.set(key, value, minute);
      assert.deepEqual(Uint8Array.from((await cache.get(key)) ?? []), value);
    }
    await cache.set("empty", new Uint8Array(), minute);
    assert.equal((await cache.get("empty"))?.length, 0);
  }),
  law("keeps its own copy of what it is given", async (cache) => {
    const value = bytes("one");
    await cache.set("k", value, minute);
    value.fill(0);
    assert.equal(text(await cache.get("k")), "one");
  }),
  law("forgets what has expired", async (cache, { pass }) => {
    await cache.set("short", bytes("1"), 50);
    await cache.set("long", bytes("2"), minute);
    await pass(100);
    assert.equal(await cache.get("short"), undefined);
    assert.equal(text(await cache.get("long")), "2");
  }),
  law("counts the time anew when a value is set again", async (cache, { pass }) => {
    await cache.set("k", bytes("1"), 50);
    await cache.set("k", bytes("2"), minute);
    await pass(100);
    assert.equal(text(await cache.get("k")), "2");
  }),
  law("adds only where there is nothing", async (cache, { pass }) => {
    assert.equal(await cache.add("k", bytes("1"), 2000), true);
    assert.equal(await cache.add("k", bytes("2"), minute), false);
    assert.equal(text(await cache.get("k")), "1");
    await pass(2100);
    assert.equal(await cache.add("k", bytes("3"), minute), true);
  }),
  law("lets one alone add at the same time", async (cache) => {
    const added = await Promise.all(Array.from({ length: 50 }, (_, i) => cache.add("k", bytes(`${i}`), minute)));
    assert.equal(added.filter(Boolean).length, 1);
    assert.equal(text(await cache.get("k")), `${added.indexOf(true)}`);
  }),
  law("forgets what is deleted, and does not mind what is not there", async (cache) => {
    await cache.set("k", bytes("1"), minute);
    await cache.delete("k");
    await cache.delete("k");
    assert.equal(await cache.get("k"), undefined);
    assert.equal(await cache.add("k", bytes("2"), minute), true);
  }),
]);
