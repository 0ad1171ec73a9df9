import assert from "node:assert/strict";
import type { Running } from "../core/plugin.ts";
import { type Ports, systemPorts, type Timers } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import { betweenTwo } from "../testing/two-processes.ts";
import type { HeldLock, Lock } from "./lock.ts";

/** Locks as several processes see them. */
export interface LockSubject {
  /** Starts the plugin once more, as another process would. */
  open(ports: Ports): Promise<Running<Lock>>;
}

/** Ports of a process that stands still: what it has set for later never happens. */
export function stoppedPorts(ports: Ports = systemPorts): Ports {
  const never = () => ({ cancel: () => undefined });
  const timers: Timers = { ...ports.timers, every: never, after: never };
  return { ...ports, timers };
}

const leaseMs = 1500;

async function taken(lock: Lock, name: string, waitMs = 0): Promise<HeldLock> {
  const held = await lock.acquire(name, { waitMs, leaseMs });
  assert.ok(held, `${name} is free`);
  return held;
}

type Check = (one: Lock, two: Lock, subject: LockSubject, stopTwo: () => Promise<void>) => Promise<void>;

const law = (law: string, check: Check) => ({
  law,
  check: (subject: LockSubject) =>
    betweenTwo(
      () => subject.open(systemPorts),
      (one, two, stopTwo) => check(one, two, subject, stopTwo),
    ),
});

/** What all locks keep to, as seen by two processes that use them. */
export const lockConformance = conformance<LockSubject>("lock", [
  law("gives a lock to one alone of many who ask at once", async (one, two) => {
    const asked = Array.from({ length: 10 }, (_, i) => (i % 2 ? one : two).acquire("a", { leaseMs }));
    const got = (await Promise.all(asked)).filter((held) => held !== undefined);
    assert.equal(got.length, 1);
  }),
  law("gives nothing when the lock is not free within the wait", async (one, two) => {
    await taken(one, "a");
    assert.equal(await two.acquire("a", { leaseMs }), undefined);
    const began = performance.now();
    assert.equal(await two.acquire("a", { leaseMs, waitMs: 200 }), undefined);
    assert.ok(performance.now() - began >= 199);
  }),
  law("gives a lock to one who waits as soon as it is released", async (one, two) => {
    const first = await taken(one, "a");
    const waiting = two.acquire("a", { leaseMs, waitMs: 10_000 });
    await first.release();
    assert.ok(await waiting);
    assert.equal(first.lost.aborted, false);
  }),
  law("gives tokens that grow strictly, whoever acquires", async (one, two) => {
    let last = -1n;
    for (let i = 0; i < 6; i++) {
      const held = await taken(i % 2 ? one : two, "a", 30_000);
      assert.ok(held.token > last, `${held.token} after ${last}`);
      last = held.token;
      await held.release();
    }
  }),
  law("lets one at a time in, and all in the end", async (one, two) => {
    let inside = 0;
    let most = 0;
    const tokens: bigint[] = [];
    const visit = async (lock: Lock) => {
      const held = await taken(lock, "a", 30_000);
      most = Math.max(most, ++inside);
      tokens.push(held.token);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      await held.release();
    };
    await Promise.all(Array.from({ length: 12 }, (_, i) => visit(i % 2 ? one : two)));
    assert.equal(most, 1);
    assert.deepEqual(
      tokens,
      [...tokens].sort((a, b) => (a < b ? -1 : 1)),
    );
  }),
  law("keeps names apart, whatever they are", async (one, two) => {
    await taken(one, "a");
    for (const name of ["b", "a/b", "a.b", "a b", "A", "ä*>:{}%", "a".repeat(200)]) await taken(two, name);
  }),
  law("renews a lock for as long as it is held", async (one, two) => {
    const held = await taken(one, "a");
    assert.equal(await two.acquire("a", { leaseMs, waitMs: 2 * leaseMs }), undefined);
    assert.equal(held.lost.aborted, false);
    await held.release();
    assert.ok(await two.acquire("a", { leaseMs, waitMs: 20 * leaseMs }));
  }),
  law(
    "passes the lock of an owner that stands still on after its lease, with a greater token",
    async (_, two, subject) => {
      const still = await subject.open(stoppedPorts());
      const began = performance.now();
      const old = await taken(still.api, "a");
      const held = await taken(two, "a", 20 * leaseMs);
      assert.ok(performance.now() - began > leaseMs / 2, "not before the lease");
      assert.ok(held.token > old.token);
      await old.release(); // too late
      assert.equal(await subject.open(systemPorts).then(acquireOnce), undefined);
      await still.stop?.();
    },
  ),
  law("takes a release that is repeated", async (one, two) => {
    const held = await taken(one, "a");
    await Promise.all([held.release(), held.release()]);
    const other = await taken(two, "a", 30_000);
    await held.release();
    assert.equal(await one.acquire("a", { leaseMs }), undefined);
    assert.equal(other.lost.aborted, false);
  }),
  law("ends a wait by its signal, and then does not hold the lock", async (one, two) => {
    const held = await taken(one, "a");
    const ending = new AbortController();
    const waiting = two.acquire("a", { leaseMs, waitMs: 60_000, signal: ending.signal });
    ending.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    await held.release();
    await taken(one, "a", 30_000);
  }),
  law("refuses an empty name and a lease that is too short", async (one) => {
    await assert.rejects(one.acquire(""), { code: "INVALID_ARGUMENT" });
    await assert.rejects(one.acquire("a", { leaseMs: 1 }), { code: "INVALID_ARGUMENT" });
  }),
  law("releases what a process holds when it stops", async (one, two, _, stopTwo) => {
    await two.acquire("a", { leaseMs: 60_000 });
    await stopTwo();
    await eventually(() => one.acquire("a", { leaseMs }));
  }),
]);

async function acquireOnce({ api, stop }: Running<Lock>): Promise<HeldLock | undefined> {
  const held = await api.acquire("a", { leaseMs });
  await stop?.();
  return held;
}
