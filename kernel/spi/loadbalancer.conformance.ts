import assert from "node:assert/strict";
import type { CallContext } from "../call/context.ts";
import type { Metadata } from "../call/metadata.ts";
import type { StatusCode } from "../call/status.ts";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { sampleCall, sampleInstance, sampleSite } from "../testing/samples.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { Instance } from "./instance.ts";
import { defaultWarmupMs, type LoadBalancer, type Outcome, type Picker } from "./loadbalancer.ts";

/** Makes the balancer with its default options on these ports. */
export type LoadBalancerSubject = (ports: Ports) => LoadBalancer;

const ok: Outcome = { tookMs: 1, code: "OK" };
const context = {} as CallContext; // no balancer of these laws looks at it

function instances(...weights: number[]): readonly Instance[] {
  return Object.freeze(weights.map((weight, i) => Object.freeze(sampleInstance(`i${i}`, { weight }))));
}

/** The shares of `times` picks, in the order of the candidates; every call has a key of its own. */
export function shares(picker: Picker, candidates: readonly Instance[], times: number): number[] {
  const counts = new Map<Instance, number>(candidates.map((instance) => [instance, 0]));
  for (let i = 0; i < times; i++) {
    const { instance, done } = picker.pick(candidates, sampleCall(context, { request: { key: `k${i}`, number: i } }));
    done(ok);
    const count = counts.get(instance);
    assert.ok(count !== undefined, `${instance.id} is not among the candidates`);
    counts.set(instance, count + 1);
  }
  return [...counts.values()].map((count) => count / times);
}

/** How an instance answers. */
export interface Behaviour {
  readonly tookMs: number;
  readonly code?: StatusCode;
  readonly trailers?: () => Metadata;
}

/** Workers that make one call after another for a while. */
export interface Load {
  readonly workers: number;
  readonly candidates: readonly Instance[];
  readonly behaviour: (id: string, now: number) => Behaviour;
  /** Default 20,000. */
  readonly forMs?: number;
}

/** The shares of calls by id of the instance, when `workers` make them on virtual time. */
export async function sharesUnderLoad(
  make: LoadBalancerSubject,
  { workers, candidates, behaviour, forMs = 20_000 }: Load,
): Promise<ReadonlyMap<string, number>> {
  const ports = virtualPorts();
  const picker = make(ports).picker(sampleSite());
  const call = sampleCall(context);
  const counts = new Map(candidates.map(({ id }) => [id, 0]));
  let total = 0;
  const worker = async () => {
    while (ports.clock.now() < forMs) {
      const { instance, done } = picker.pick(candidates, call);
      const { tookMs, code = "OK", ...rest } = behaviour(instance.id, ports.clock.now());
      await ports.timers.sleep(tookMs);
      done({ tookMs, code, ...rest });
      counts.set(instance.id, (counts.get(instance.id) ?? 0) + 1);
      total++;
    }
  };
  await ports.settle(Promise.all(Array.from({ length: workers }, worker)));
  return new Map([...counts].map(([id, count]) => [id, count / total]));
}

const law = (law: string, check: (picker: Picker, ports: VirtualPorts) => void | Promise<void>) => ({
  law,
  check(make: LoadBalancerSubject) {
    const ports = virtualPorts();
    return check(make(ports).picker(sampleSite()), ports);
  },
});

function near(share: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(share / expected - 1) < tolerance, `${share} of all calls, not ${expected}`);
}

/** What every balancer keeps to. Run it with `make: () => ({ subject: (ports) => myBalancer(options, ports) })`. */
export const loadBalancerConformance = conformance<LoadBalancerSubject>("loadbalancer", [
  law("picks the only instance", (picker) => assert.deepEqual(shares(picker, instances(100), 10), [1])),
  law("picks only from what it is given, though the list changes between calls", (picker) => {
    const all = instances(100, 100, 100, 100);
    for (const candidates of [all, all.slice(0, 1), all.slice(1, 3), all, instances(1)]) {
      shares(picker, Object.freeze(candidates), 20);
    }
  }),
  law("leaves no equal instance without calls", (picker) => {
    for (const share of shares(picker, instances(100, 100, 100), 600)) assert.ok(share > 0);
  }),
  law("gives an instance of nine times the weight at least three times the calls", (picker) => {
    const [light = 0, heavy = 0] = shares(picker, instances(10, 90), 3000);
    assert.ok(heavy > 3 * light, `${heavy} of all calls against ${light}`);
  }),
  law("shares 100,000 picks of idle instances in proportion to weight", (picker) => {
    const weights = [100, 200, 300, 400];
    for (const [i, share] of shares(picker, instances(...weights), 100_000).entries())
      near(share, (weights[i] ?? 0) / 1000, 0.25);
  }),
  law("gives an instance of weight 0 nothing while others have weight", (picker) => {
    assert.equal(shares(picker, instances(100, 0, 1), 1000)[1], 0);
  }),
  law("picks one though all have weight 0", (picker) => {
    assert.equal(
      shares(picker, instances(0, 0), 10).reduce((sum, share) => sum + share),
      1,
    );
  }),
  law("gives a new instance little and a warm one its share", async (picker, ports) => {
    const startedAt = ports.clock.wall();
    const candidates = Object.freeze([sampleInstance("old"), sampleInstance("new", { startedAt })]);
    const [, cold = 1] = shares(picker, candidates, 2000);
    assert.ok(cold < 0.1, `a cold instance got ${cold} of all calls`);
    await ports.advance(defaultWarmupMs);
    const [, warm = 0] = shares(picker, candidates, 2000);
    assert.ok(warm > 0.3, `a warm instance got ${warm} of all calls`);
  }),
  law("gives a new idle instance its share along the warm-up curve", async (picker, ports) => {
    const startedAt = ports.clock.wall();
    const candidates = Object.freeze([sampleInstance("old"), sampleInstance("new", { startedAt })]);
    for (const tenths of [3, 5, 8, 10]) {
      await ports.advance((defaultWarmupMs / 10) * tenths - ports.clock.now());
      const [, share = 0] = shares(picker, candidates, 10_000);
      near(share, tenths / (10 + tenths), 0.25);
    }
  }),
  law("takes a start in the future for a cold one", (picker, ports) => {
    const startedAt = ports.clock.wall() + 60_000;
    const candidates = Object.freeze([sampleInstance("old"), sampleInstance("ahead", { startedAt })]);
    const [, ahead = 1] = shares(picker, candidates, 2000);
    assert.ok(ahead < 0.1, `it got ${ahead} of all calls`);
  }),
  law("survives attempts that fail, end late and end out of order", (picker) => {
    const candidates = instances(100, 100, 100);
    const call = sampleCall(context);
    const open = Array.from({ length: 50 }, () => picker.pick(candidates, call));
    for (const picked of open.reverse()) picked.done({ tookMs: 1000, code: "UNAVAILABLE" });
    assert.ok(candidates.includes(picker.pick(candidates, call).instance));
  }),
]);
