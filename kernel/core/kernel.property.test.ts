import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ApplyResult } from "./kernel.ts";
import {
  type Built,
  blueprints,
  build,
  type Choice,
  choices,
  configOf,
  liveParts,
  type Part,
} from "./system.fixture.ts";

async function apply(system: Built, choice: Choice): Promise<ApplyResult> {
  const result = await system.ports.settle(system.kernel.apply(configOf(choice)));
  await settled(system, result);
  return result;
}

async function settled({ ports }: Built, result: ApplyResult): Promise<void> {
  if (!result.ok) return;
  const { problems } = await ports.settle(result.settled);
  assert.deepEqual(problems, [], "nothing goes wrong while the old is stopped");
}

const failed = (result: ApplyResult) => (result.ok ? "none" : result.error.code);

describe("a kernel, for any system of plugins,", () => {
  it("starts needs before askers and stops them after", async () => {
    await fc.assert(
      fc.asyncProperty(blueprints, choices, async (blueprint, choice) => {
        const system = build(blueprint); // its plugins check the order
        const expected = system.expected(choice);
        const result = await apply(system, choice);
        assert.equal(failed(result), expected ? "none" : "CONFIG_INVALID");
        assert.deepEqual(system.running(), expected ?? []);
        await system.ports.settle(system.kernel.stop());
        assert.deepEqual(system.running(), []);
      }),
    );
  });

  it("leaves nothing running when a start fails or hangs", async () => {
    const ways = fc.constantFrom("fails" as const, "hangs" as const);
    await fc.assert(
      fc.asyncProperty(blueprints, choices, fc.nat(), ways, async (blueprint, choice, pick, way) => {
        const system = build(blueprint);
        const expected = system.expected(choice) ?? [];
        fc.pre(expected.length > 0);
        const victim = expected[pick % expected.length];
        system.sabotage(victim, way);
        const result = await apply(system, choice);
        assert.equal(failed(result), way === "fails" ? "START_FAILED" : "START_TIMEOUT");
        assert.ok(!result.ok && result.error.subject.startsWith(`${victim} `), "the culprit is named");
        assert.deepEqual(system.running(), []);
        assert.equal(system.kernel.generation().id, 0);
      }),
    );
  });

  it("ends any sequence of changes in exactly the plugins of the last that was accepted", async () => {
    await fc.assert(
      fc.asyncProperty(blueprints, sequences, async (blueprint, sequence) => {
        const system = build(blueprint);
        await through(system, sequence, () => undefined);
        await system.ports.settle(system.kernel.stop());
        assert.deepEqual(system.running(), []);
      }),
      { numRuns: 60 },
    );
  });

  it("does so with exclusive plugins too", async () => {
    const exclusive = fc.uniqueArray(fc.constantFrom("spi-0/a", "spi-1/b", "spi-2/a", "spi-3/c", "spi-4/b"));
    await fc.assert(
      fc.asyncProperty(blueprints, sequences, exclusive, async (blueprint, sequence, ids) => {
        const system = build(blueprint, { exclusive: ids });
        await through(system, sequence, () => undefined);
        await system.ports.settle(system.kernel.stop());
        assert.deepEqual(system.running(), []);
      }),
      { numRuns: 60 },
    );
  });

  it("never lets work see a plugin that does not run, whatever changes meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(blueprints, sequences, fc.nat(), fc.boolean(), async (blueprint, sequence, seed, hasty) => {
        const system = build(blueprint);
        const office = workers(system, seed);
        await through(system, sequence, office.hire, hasty);
        office.close();
        await system.ports.settle(office.ended());
        assert.equal(office.done() > 0, system.kernel.generation().id > 0);
        await system.ports.settle(system.kernel.stop());
      }),
      { numRuns: 60 },
    );
  });
});

interface Change {
  readonly choice: Choice;
  /** Makes the start of one of the new plugins fail. */
  readonly sabotage: number | undefined;
}

const sequences = fc.array(
  fc.record<Change>({ choice: choices, sabotage: fc.option(fc.nat(), { nil: undefined, freq: 2 }) }),
  { minLength: 2, maxLength: 5 },
);

/** Applies one choice after the other, in haste without waiting for the old to end, and checks what runs. */
async function through(system: Built, sequence: readonly Change[], served: () => void, hasty = false): Promise<void> {
  const results: ApplyResult[] = [];
  let standing: string[] = [];
  for (const { choice, sabotage } of sequence) {
    const expected = system.expected(choice);
    const fresh = (expected ?? []).filter((id) => !standing.includes(id));
    system.sabotage(sabotage === undefined ? undefined : fresh[sabotage % fresh.length], "fails");
    const result = await system.ports.settle(system.kernel.apply(configOf(choice)));
    results.push(result);
    if (result.ok) {
      assert.ok(expected);
      standing = expected;
      served();
    } else assert.ok(!expected || result.error.code === "START_FAILED", result.error.message);
    if (!hasty) await settled(system, result);
    const running = system.running();
    if (hasty)
      assert.deepEqual(
        standing.filter((id) => !running.includes(id)),
        [],
      );
    else assert.deepEqual(running, standing);
  }
  for (const result of results) await settled(system, result);
  assert.deepEqual(system.running(), standing);
}

/** Work that begins at any time, takes some, and looks around while it lasts. */
function workers({ kernel, ports, spis }: Built, seed: number) {
  const open = new Set<Promise<void>>();
  let done = 0;
  let closed = false;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const work = async () => {
    const generation = kernel.generation();
    assert.ok(generation.current);
    generation.enter();
    const parts = spis.flatMap((spi) => [...kernel.every(spi).values()]);
    assert.ok(parts.every(isRunning), "a generation that serves runs");
    for (let look = 0; look < 3; look++) {
      await ports.timers.sleep(random(40));
      const seen = [...parts, ...parts.flatMap(liveParts)];
      assert.deepEqual(
        seen.filter((part) => !isRunning(part)).map(({ id }) => id),
        [],
      );
    }
    generation.leave();
    done++;
  };
  const worker = async () => {
    while (!closed) await Promise.all([work(), ports.timers.sleep(random(15))]);
  };
  const hire = () => {
    if (open.size === 4) return;
    const end = worker();
    end.catch(() => undefined); // `ended` reports it
    open.add(end);
  };
  return {
    hire,
    done: () => done,
    close: () => {
      closed = true;
    },
    ended: () => Promise.all(open),
  };
}

function isRunning({ running }: Part): boolean {
  return running;
}
