import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type ErrorCode, StatusError } from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import { retryBudget } from "@mortise/kernel/spi/retry-budget";
import { backoff } from "@mortise/kernel/spi/retry-rule";
import { type RetryingOptions, retryingCluster } from "@mortise/kernel/spi/retrying";
import {
  Sample,
  type ScriptedAttempt,
  sampleCall,
  sampleInstance,
  sampleSite,
  scriptedGroup,
  virtualPorts,
} from "@mortise/kernel/testing";
import fc from "fast-check";

const options: RetryingOptions = {
  backoffMs: 10,
  maxBackoffMs: 1000,
  budget: { ratio: 0.2, perSecond: 10, burst: 100 },
};

clusterConformance({
  name: "failover",
  make: () => ({ subject: (ports) => retryingCluster(options, ports) }),
});

interface Setting {
  readonly instances: number;
  readonly idempotent: boolean;
  readonly retries: number;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number | undefined;
  readonly script: readonly ScriptedAttempt[];
}

const last: ScriptedAttempt = { tookMs: 1 };

async function run(setting: Setting, changes: Partial<RetryingOptions> = {}) {
  const ports = virtualPorts();
  const instances = Array.from({ length: setting.instances }, (_, i) => sampleInstance(`i${i}`));
  const group = scriptedGroup(instances, (number) => setting.script[number] ?? last, ports);
  const method = setting.idempotent ? Sample.methods.read : Sample.methods.write;
  const { retries, attemptTimeoutMs } = setting;
  const fields = attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs };
  const site = sampleSite({ method, policy: { retries, fields } });
  const invoke = retryingCluster({ ...options, ...changes }, ports).invoker(site, group);
  const context = callContext({ timeoutMs: setting.timeoutMs }, ports);
  const outcome = await ports.settle(
    invoke(sampleCall(context, { method })).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  return { made: group.made, outcome, overAt: ports.clock.now(), ports };
}

const failing = (code: ErrorCode, neverSent = false, tookMs = 1): ScriptedAttempt => ({
  tookMs,
  error: new StatusError(code, "by script", { neverSent }),
});
const setting: Setting = {
  instances: 3,
  idempotent: true,
  retries: 2,
  timeoutMs: 1000,
  attemptTimeoutMs: undefined,
  script: [],
};

/** How often the rule says a call is attempted, when time and budget do not run out. */
function expectedAttempts({ idempotent, retries, script }: Setting): number {
  let attempts = 1;
  for (const { error } of script) {
    if (!error || attempts > retries) break;
    if (!error.neverSent && !(idempotent && error.retryable)) break;
    attempts++;
  }
  return attempts;
}

const attempts = fc.record(
  {
    tookMs: fc.integer({ min: 0, max: 80 }),
    error: fc
      .record({ code: fc.constantFrom<ErrorCode[]>("UNAVAILABLE", "INTERNAL", "NOT_FOUND"), neverSent: fc.boolean() })
      .map(({ code, neverSent }) => new StatusError(code, "by script", { neverSent })),
  },
  { requiredKeys: ["tookMs"] },
);
const settings: fc.Arbitrary<Setting> = fc.record({
  instances: fc.integer({ min: 1, max: 4 }),
  idempotent: fc.boolean(),
  retries: fc.integer({ min: 0, max: 5 }),
  timeoutMs: fc.constantFrom(40, 200, 60_000),
  attemptTimeoutMs: fc.constant(undefined),
  script: fc.array(attempts, { maxLength: 7 }),
});

describe("cluster/failover", () => {
  it("attempts as often as the rule says and ends as the last attempt did", async () => {
    await fc.assert(
      fc.asyncProperty(settings, async (given) => {
        const { made, outcome } = await run({ ...given, timeoutMs: 600_000 });
        const expected = expectedAttempts(given);
        assert.equal(made.length, expected);
        const errors = given.script.slice(0, expected).map(({ error }) => error);
        const last = errors[expected - 1];
        assert.equal((outcome as StatusError | undefined)?.code, last?.code);
        if (last)
          assert.equal(
            (outcome as StatusError).neverSent,
            errors.every((error) => error?.neverSent),
          );
      }),
      { numRuns: 200 },
    );
  });

  it("never begins an attempt after the deadline, repeats nothing that may have been done, tries others first", async () => {
    await fc.assert(
      fc.asyncProperty(settings, async (given) => {
        const { made, overAt } = await run(given);
        assert.ok(made.length <= expectedAttempts(given));
        assert.ok(made.every(({ at }) => at < given.timeoutMs));
        assert.ok(overAt <= given.timeoutMs + 4, `over at ${overAt}`);
        const fresh = made.slice(0, given.instances).map(({ instance }) => instance.id);
        assert.equal(new Set(fresh).size, fresh.length, `tried again before others: ${fresh.join()}`);
      }),
      { numRuns: 200 },
    );
  });

  it("tries another instance at once when the request never left", async () => {
    const { made } = await run({ ...setting, script: [failing("UNAVAILABLE", true), failing("UNAVAILABLE", true)] });
    assert.deepEqual(
      made.map(({ at }) => at),
      [0, 1, 2],
    );
  });

  it("waits a random time before it repeats what was sent, longer each time", async () => {
    const script = Array.from({ length: 6 }, () => failing("UNAVAILABLE"));
    const { made } = await run({ ...setting, retries: 6, timeoutMs: 60_000, script });
    const waits = made.slice(1).map(({ at }, i) => at - (made[i]?.at ?? 0) - 1);
    for (const [i, wait] of waits.entries()) assert.ok(wait > 0 && wait <= 10 * 2 ** i, waits.join());
  });

  it("gives an attempt that hangs its own time and tries another instance", async () => {
    const hangs: ScriptedAttempt = { tookMs: 10_000 };
    const slow = { ...setting, attemptTimeoutMs: 100, script: [hangs] };
    const { made, outcome, overAt } = await run(slow);
    assert.deepEqual([made.length, outcome], [2, undefined]);
    assert.ok(overAt < 130, `over at ${overAt}`);
    const write = await run({ ...slow, idempotent: false });
    assert.deepEqual([write.made.length, (write.outcome as StatusError).code], [1, "DEADLINE_EXCEEDED"]);
  });

  it("does not take the call's own deadline for that of an attempt", async () => {
    const { made, outcome } = await run({
      ...setting,
      timeoutMs: 50,
      attemptTimeoutMs: 100,
      script: [{ tookMs: 500 }],
    });
    assert.deepEqual([made.length, (outcome as StatusError).code], [1, "DEADLINE_EXCEEDED"]);
  });

  it("repeats what a service says can be repeated, whatever the code", async () => {
    const error = new StatusError("RESOURCE_EXHAUSTED", "busy", { retryable: true });
    const { made, outcome } = await run({ ...setting, script: [{ tookMs: 1, error }] });
    assert.deepEqual([made.length, outcome], [2, undefined]);
  });

  it("asks for the candidates again before each retry", async () => {
    const ports = virtualPorts();
    const lists = [[sampleInstance("old")], [sampleInstance("new")]];
    const scripted = scriptedGroup([], (number) => (number === 0 ? failing("UNAVAILABLE") : last), ports);
    const group = { ...scripted, candidates: async () => lists.shift() ?? [] };
    const invoke = retryingCluster(options, ports).invoker(sampleSite(), group);
    await ports.settle(invoke(sampleCall(callContext({}, ports))));
    assert.deepEqual(
      scripted.made.map(({ instance }) => instance.id),
      ["old", "new"],
    );
  });

  it("makes a call with a stream of requests again if nobody has begun to read it", async () => {
    const ports = virtualPorts();
    const method = Sample.methods.load;
    const group = scriptedGroup(
      [sampleInstance("a")],
      (number) => (number === 0 ? failing("UNAVAILABLE", true) : last),
      ports,
    );
    const request = (async function* () {})();
    await ports.settle(
      retryingCluster(options, ports).invoker(
        sampleSite({ method }),
        group,
      )(sampleCall(callContext({}, ports), { method, request })),
    );
    assert.equal(group.made.length, 2);
  });

  it("does not say of a call that it never left when an earlier attempt did", async () => {
    const ports = virtualPorts();
    const nobody = new StatusError("UNAVAILABLE", "no instance", { neverSent: true });
    let asked = 0;
    const scripted = scriptedGroup([], () => failing("UNAVAILABLE"), ports);
    const group = {
      ...scripted,
      candidates: async () => (asked++ === 0 ? [sampleInstance("a")] : Promise.reject(nobody)),
    };
    const reply = retryingCluster(options, ports).invoker(sampleSite(), group)(sampleCall(callContext({}, ports)));
    await assert.rejects(ports.settle(reply), { code: "UNAVAILABLE", message: "no instance", neverSent: false });
  });

  it("spends no more retries on a service than its budget, but always those of requests that never left", async () => {
    const ports = virtualPorts();
    let neverSent = false;
    const group = scriptedGroup(
      [sampleInstance("a"), sampleInstance("b")],
      () => failing("UNAVAILABLE", neverSent),
      ports,
    );
    const budget = { ratio: 0.1, perSecond: 0, burst: 5 };
    const cluster = retryingCluster({ ...options, backoffMs: 0, budget }, ports);
    const [one, two] = [Sample.methods.read, Sample.methods.watch].map((method) =>
      cluster.invoker(sampleSite({ method }), group),
    );
    const call = async (invoke = one) => {
      const before = group.made.length;
      await ports.settle(Promise.resolve(invoke?.(sampleCall(callContext({}, ports)))).catch(() => undefined));
      return group.made.length - before;
    };
    assert.deepEqual([await call(), await call(two)], [3, 3]);
    let more = 0;
    for (let i = 0; i < 100; i++) more += (await call(i % 2 ? one : two)) - 1;
    assert.ok(more >= 10 && more <= 12, `${more} retries of 100 calls`);
    neverSent = true;
    assert.equal(await call(), 3);
  });
});

it("a budget never gives more than it was filled with", async () => {
  const steps = fc.array(fc.oneof(fc.constant("call"), fc.constant("retry"), fc.integer({ min: 1, max: 2000 })));
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const ports = virtualPorts();
      const budget = retryBudget({ ratio: 0.2, perSecond: 10, burst: 3 }, ports.clock);
      let calls = 0;
      let given = 0;
      for (const step of all) {
        if (step === "call") {
          calls++;
          budget.earn();
        } else if (step === "retry") given += budget.spend() ? 1 : 0;
        else if (typeof step === "number") await ports.advance(step);
        assert.ok(given <= 3 + 0.2 * calls + (10 * ports.clock.now()) / 1000 + 1e-6);
      }
    }),
    { numRuns: 50 },
  );
});

it("the wait doubles up to its limit", () => {
  assert.deepEqual(
    [1, 2, 3, 9].map((retry) => backoff(retry, 10, 100, 0.5)),
    [5, 10, 20, 50],
  );
});
