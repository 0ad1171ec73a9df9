import assert from "node:assert/strict";

const attempts = 5;

/**
 * Checks that `work` takes no longer than `ms` of real time. On a machine that is busy at the moment anything may be late,
 * so it is enough when one of five attempts is in time; each has to go well.
 * @param prepare what comes before each attempt and takes as long as it likes
 */
export async function inTime(
  ms: number,
  work: () => Promise<unknown>,
  prepare: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const took: number[] = [];
  do {
    await prepare();
    const began = performance.now();
    await work();
    took.push(performance.now() - began);
  } while ((took.at(-1) as number) > ms && took.length < attempts);
  assert.ok(Math.min(...took) <= ms, `it took ${took.map(Math.round).join(", ")} ms, never ${ms} ms or less`);
}

/**
 * Makes a call that is to be cut by its time limit while its handler works: with longer and longer limits until it was
 * `reached`, because on a busy machine a short one is over before anybody has begun.
 */
export async function cutInTime(
  firstMs: number,
  call: (timeoutMs: number) => Promise<unknown>,
  reached: () => boolean,
): Promise<void> {
  for (let timeoutMs = firstMs; ; timeoutMs *= 4) {
    await call(timeoutMs);
    if (reached()) return;
    assert.ok(timeoutMs < 20_000, "no call has reached its handler");
  }
}
