// Every installed cluster against what a caller may rely on, with random failures on a virtual clock.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Bus,
  type Call,
  type Cluster,
  callContext,
  type ErrorCode,
  type Group,
  type Instance,
  type Method,
  type Plugin,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import {
  Sample,
  sampleCall,
  sampleInstance,
  sampleSite,
  scriptedGroup,
  silentLog,
  startPlugin,
  type VirtualPorts,
  virtualPorts,
} from "@mortise/kernel/testing";
import fc from "fast-check";
import { installedOf } from "./installed.fixture.ts";

/** What may be expected of a cluster beyond what holds for all. */
interface Rules {
  /** Attempts of one call at most, of a method that may be repeated. */
  attempts(setting: Setting): number;
  /** It sends a call to several instances on purpose, each once. */
  readonly everybody?: true;
  /** It answers with nothing where others fail. */
  readonly empty?: true;
}

const rules: Readonly<Record<string, Rules>> = {
  failover: { attempts: ({ retries }) => retries + 1 },
  "zone-aware": { attempts: ({ retries }) => retries + 1 },
  failfast: { attempts: () => 1 },
  failsafe: { attempts: () => 1, empty: true },
  failback: { attempts: () => 1, empty: true },
  forking: { attempts: ({ fields }) => fields.forks },
  hedging: { attempts: ({ fields }) => fields.hedgeAttempts },
  available: { attempts: ({ instances }) => instances },
  broadcast: { attempts: ({ instances }) => instances, everybody: true },
  mergeable: { attempts: ({ instances }) => instances, everybody: true },
};

/** For a cluster nobody has described here. */
const anyRules: Rules = { attempts: ({ instances, retries }) => instances * (retries + 1) };

const endings = ["well", "well", "UNAVAILABLE", "never sent", "NOT_FOUND", "INTERNAL", "DEADLINE_EXCEEDED"] as const;

interface Scripted {
  readonly tookMs: number;
  readonly ends: (typeof endings)[number];
}

interface Planned {
  readonly startMs: number;
  readonly idempotent: boolean;
  readonly timeoutMs: number;
  readonly cancelAfterMs: number | undefined;
  readonly script: readonly Scripted[];
}

interface Setting {
  readonly instances: number;
  readonly retries: number;
  readonly fields: {
    readonly forks: number;
    readonly hedgeAttempts: number;
    readonly attemptTimeoutMs?: number;
    readonly mergeAll: boolean;
  };
  readonly calls: readonly Planned[];
}

/** An attempt that was made. */
interface Made {
  readonly at: number;
  readonly instance: Instance;
  readonly call: Call;
  endedAt?: number;
  error?: StatusError;
}

/** A call that is over. */
interface Done {
  readonly plan: Planned;
  readonly attempts: readonly Made[];
  readonly startedAt: number;
  readonly settledAt: number;
  /** Attempts begun by the time it was settled. */
  readonly begunThen: number;
  readonly outcome: { readonly reply: Reply } | { readonly error: StatusError };
}

const setting: fc.Arbitrary<Setting> = fc.record({
  instances: fc.integer({ min: 1, max: 4 }),
  retries: fc.integer({ min: 0, max: 4 }),
  fields: fc.record(
    {
      forks: fc.integer({ min: 1, max: 4 }),
      hedgeAttempts: fc.integer({ min: 1, max: 4 }),
      attemptTimeoutMs: fc.integer({ min: 5, max: 300 }),
      mergeAll: fc.boolean(),
    },
    { requiredKeys: ["forks", "hedgeAttempts", "mergeAll"] },
  ),
  calls: fc.array(
    fc.record({
      startMs: fc.integer({ min: 0, max: 500 }),
      idempotent: fc.boolean(),
      timeoutMs: fc.integer({ min: 20, max: 1000 }),
      cancelAfterMs: fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
      script: fc.array(fc.record({ tookMs: fc.integer({ min: 0, max: 300 }), ends: fc.constantFrom(...endings) }), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});

const budget = { ratio: 0.1, perSecond: 1, burst: 3 };

const silentBus: Bus = {
  durable: true,
  publish: async () => undefined,
  subscribe: async () => ({ close: async () => undefined }),
  deadLetters: async () => [],
};

async function start(plugin: Plugin, ports: VirtualPorts): Promise<Cluster> {
  const deps = { bus: silentBus, policies: { current: { app: "test" } }, clients: { current: {} } };
  const takesBudget = await startPlugin<Cluster>(plugin, { ports, deps, options: { budget } }).catch(() => undefined);
  return (takesBudget ?? (await startPlugin<Cluster>(plugin, { ports, deps, log: silentLog }))).api;
}

/** The group of one call: its attempts go by its script, and are written down. */
function groupOf(instances: readonly Instance[], plan: Planned, ports: VirtualPorts) {
  const made: Made[] = [];
  const scripted = scriptedGroup(
    instances,
    (number) => {
      const { tookMs, ends } = plan.script[number % plan.script.length] as Scripted;
      if (ends === "well") return { tookMs };
      const neverSent = ends === "never sent";
      const code: ErrorCode = neverSent ? "UNAVAILABLE" : ends;
      return { tookMs, error: new StatusError(code, "by script", { neverSent }) };
    },
    ports,
  );
  const group: Group = {
    candidates: scripted.candidates,
    async attempt(call, candidates, onPick) {
      const one: Made = { at: ports.clock.now(), instance: instances[0] as Instance, call };
      made.push(one);
      const note = (instance: Instance) => {
        Object.assign(one, { instance });
        onPick?.(instance);
      };
      try {
        return await scripted.attempt(call, candidates, note);
      } catch (error) {
        one.error = error as StatusError;
        throw error;
      } finally {
        one.endedAt = ports.clock.now();
      }
    },
  };
  return { group, made };
}

async function run(plugin: Plugin, { instances: count, retries, fields, calls }: Setting) {
  const ports = virtualPorts();
  const cluster = await start(plugin, ports);
  const instances = Object.freeze(Array.from({ length: count }, (_, i) => sampleInstance(`${i}`)));
  const work = calls.map(async (plan): Promise<Done> => {
    await ports.timers.sleep(plan.startMs);
    const method: Method = plan.idempotent ? Sample.methods.read : Sample.methods.write;
    const { group, made } = groupOf(instances, plan, ports);
    const invoke = cluster.invoker(sampleSite({ method, policy: { retries, fields } }), group);
    const context = callContext({ timeoutMs: plan.timeoutMs }, ports);
    const cancelling = ports.timers.after(plan.cancelAfterMs ?? 1e9, () =>
      context.cancel(new StatusError("CANCELLED", "enough")),
    );
    const startedAt = ports.clock.now();
    const outcome = await invoke(sampleCall(context, { method })).then(
      (reply) => ({ reply }),
      (error: StatusError) => ({ error }),
    );
    cancelling.cancel();
    return { plan, attempts: made, startedAt, settledAt: ports.clock.now(), begunThen: made.length, outcome };
  });
  const done = await ports.settle(Promise.all(work));
  await ports.advance(10_000);
  return { done, ports };
}

/** How late the wheel of deadlines may be, in milliseconds. */
const slackMs = 15;

const neverSent = ({ error }: Made) => error?.neverSent === true;

function check(name: string, setting: Setting, { plan, attempts, ...call }: Done): void {
  const { everybody, empty, attempts: allowed } = rules[name] ?? anyRules;
  const deadline = call.startedAt + plan.timeoutMs;
  const endsBy = Math.min(deadline, call.startedAt + (plan.cancelAfterMs ?? Number.POSITIVE_INFINITY));
  assert.ok(attempts.length <= allowed(setting), `${attempts.length} attempts`);
  assert.equal(attempts.length, call.begunThen, "an attempt began after the call was over");
  assert.ok(call.settledAt <= endsBy + slackMs, `over ${call.settledAt - endsBy} ms after its end`);
  for (const { at } of attempts) assert.ok(at < deadline && at <= endsBy + slackMs, `began at ${at} of ${endsBy}`);
  for (const { endedAt = Number.POSITIVE_INFINITY, call: one } of attempts)
    if (endedAt > call.settledAt) assert.ok(one.context.cancelled, "a loser goes on");
  if (everybody) assert.equal(new Set(attempts.map(({ instance }) => instance)).size, attempts.length);
  else if (!plan.idempotent)
    assert.ok(attempts.slice(0, -1).every(neverSent), "it was repeated though it may have been done");
  checkOutcome(attempts, call.outcome, empty === true);
}

function checkOutcome(attempts: readonly Made[], outcome: Done["outcome"], empty: boolean): void {
  if ("error" in outcome) {
    assert.ok(outcome.error instanceof StatusError);
    if (outcome.error.neverSent) assert.ok(attempts.every(neverSent), "it says that nothing was sent");
    return;
  }
  const { text } = outcome.reply.response as { text: string };
  const well = attempts.filter(({ error, endedAt }) => endedAt !== undefined && !error);
  assert.ok(
    well.some(({ instance }) => instance.id === text) || (empty && text === ""),
    `an answer of nobody: ${text}`,
  );
}

/** Repeats that cost the budget: those after an attempt that may have reached somebody. */
function paid(done: readonly Done[]): number {
  return done.reduce((sum, { attempts }) => sum + attempts.slice(0, -1).filter((one) => !neverSent(one)).length, 0);
}

const clusters = await installedOf("cluster");

describe("every cluster, whatever fails", () => {
  it("is described here", () => assert.deepEqual([...clusters.keys()].sort(), Object.keys(rules).sort()));

  for (const [name, plugin] of clusters) {
    it(`${name} keeps to attempts, deadlines, cancellation and what may be repeated`, async () => {
      await fc.assert(
        fc.asyncProperty(setting, async (given) => {
          const { done, ports } = await run(plugin, given);
          for (const one of done) check(name, given, one);
          if (name === "failover" || name === "zone-aware")
            assert.ok(paid(done) <= budget.burst + budget.ratio * done.length + 2, `${paid(done)} retries`);
          assert.equal(ports.pending, 0, "a timer is left");
        }),
        { numRuns: 150 },
      );
    });
  }
});
